"""The Content-Type decides how a body is filled, and no value changes its structure."""

from __future__ import annotations

import pytest

from billhook.engine.tokens.values import UnfitValue
from small_commands import (
    FORM,
    JSON,
    TEXT,
    XML,
    compile_step,
    fill,
    misfits,
    problems_of,
    with_body,
)


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "OPTIONS", "HEAD", "", "GET "])
def test_a_method_other_than_the_five_is_refused(method):
    (problem,) = problems_of(method=method)
    assert (problem.code, problem.where) == ("unknown-method", "commands.Case.method")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_json_type_of_amazon_is_filled_as_json(version):
    header = ("Content-Type", f"application/x-amz-json-{version}")
    command = compile_step(**with_body(header, '{"InvoiceId": "{{A}}"}'))
    assert fill(command, A='O"7').body == b'{"InvoiceId": "O\\"7"}'


def test_a_method_in_lower_case_is_reported_with_the_right_one():
    assert problems_of(method="post")[0].suggestion == "POST"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_requires_a_method_that_has_one(method):
    (problem,) = problems_of(method=method, body="x", headers=(TEXT,))
    assert (problem.code, problem.where) == ("body-not-allowed", "commands.Case.body")


@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", None), ("DELETE", None), ("POST", b""), ("PUT", b""), ("PATCH", b"")],
)
def test_without_a_body_only_methods_that_have_one_send_an_empty_one(method, body):
    assert fill(compile_step(method=method)).body == body


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        pytest.param(JSON, '{"a": {{A}}, }', "invalid-json", id="trailing-comma"),
        pytest.param(JSON, '{"a": [{{A}},]}', "invalid-json", id="trailing-comma-in-list"),
        pytest.param(JSON, '{"a": 1} // {{A}}', "not-json-value", id="token-in-comment"),
        pytest.param(JSON, '{"a": 1 /* x */}', "invalid-json", id="comment"),
        pytest.param(JSON, "{'a': 1}", "invalid-json", id="single-quotes"),
        pytest.param(JSON, '\ufeff{"a": 1}', "invalid-json", id="byte-order-mark"),
        pytest.param(JSON, '{"a": 1, "a": 2}', "duplicate-key", id="key-twice"),
        pytest.param(JSON, '{"a": NaN}', "invalid-json", id="nan"),
        pytest.param(JSON, '{"a": None}', "invalid-json", id="none"),
        pytest.param(JSON, '{"a": "x\ny"}', "invalid-json", id="line-break-in-text"),
        pytest.param(JSON, "[{{A}}", "invalid-json", id="ends-too-early"),
        pytest.param(JSON, '"\\u00{{A}}"', "invalid-json", id="token-in-an-escape"),
        pytest.param(JSON, '"\\{{A}}"', "invalid-json", id="token-after-a-backslash"),
        pytest.param(JSON, '{"a": 1{{A}}}', "not-json-value", id="digit-before"),
        pytest.param(JSON, '{"a": {{A}}5}', "not-json-value", id="digit-after"),
        pytest.param(JSON, '{"a": {{A}}.5}', "not-json-value", id="point-after"),
        pytest.param(JSON, '{"a": +{{A}}}', "not-json-value", id="sign-before"),
        pytest.param(JSON, '{"a": tr{{A}}}', "not-json-value", id="in-a-word"),
        pytest.param(JSON, '{"a": "x" {{A}}}', "not-json-value", id="after-a-text"),
        pytest.param(JSON, "{ {{A}}: 1 }", "not-json-value", id="bare-as-key"),
        pytest.param(JSON, "  ", "invalid-json", id="blank"),
        pytest.param(JSON, "[" * 101 + "]" * 101, "invalid-json", id="too-deep"),
        pytest.param(JSON, "[" * 100_000, "invalid-json", id="far-too-deep"),
        pytest.param(JSON, "[" + "9" * 5000 + "]", "invalid-json", id="endless-number"),
        pytest.param(XML, "<i>{{A}}", "invalid-xml", id="tag-open"),
        pytest.param(XML, "<i>&nbsp;{{A}}</i>", "invalid-xml", id="unknown-entity"),
        pytest.param(XML, "<i>&#{{A}};</i>", "invalid-xml", id="token-in-a-reference"),
        pytest.param(XML, "{{A}}<i/>", "invalid-xml", id="token-before-the-root"),
        pytest.param(XML, "<i/>{{A}}", "invalid-xml", id="token-after-the-root"),
        pytest.param(XML, "<a:i>{{A}}</a:i>", "invalid-xml", id="unknown-prefix"),
        pytest.param(XML, '<i a="1" a="{{A}}"/>', "invalid-xml", id="attribute-twice"),
        pytest.param(XML, '<i a="<{{A}}"/>', "invalid-xml", id="less-than-in-attribute"),
        pytest.param(XML, '<i a="x{{A}}>y</i>', "invalid-xml", id="attribute-open"),
        pytest.param(XML, "<!DOCTYPE i><i/>", "invalid-xml", id="document-type"),
        pytest.param(XML, '<!DOCTYPE i [<!ENTITY a "b">]><i/>', "invalid-xml", id="entity"),
        pytest.param(XML, "<!-- {{A}} --><i/>", "forbidden-position", id="token-in-comment-of-xml"),
        pytest.param(XML, "<i><![CDATA[{{A}}]]></i>", "forbidden-position", id="token-in-cdata"),
        pytest.param(XML, "<?x {{A}}?><i/>", "forbidden-position", id="token-in-instruction"),
        pytest.param(XML, "<{{A}}/>", "forbidden-position", id="token-as-element"),
        pytest.param(XML, "<i></{{A}}>", "forbidden-position", id="token-in-end-tag"),
        pytest.param(XML, '<i {{A}}="1"/>', "forbidden-position", id="token-as-attribute"),
        pytest.param(XML, "<i a={{A}}/>", "forbidden-position", id="token-without-quotes"),
        pytest.param(XML, '<i xmlns="{{A}}"/>', "forbidden-position", id="token-as-namespace"),
        pytest.param(XML, '<i xmlns:a="{{A}}"/>', "forbidden-position", id="token-as-prefix"),
        pytest.param(
            XML,
            '<?xml version="1.0" encoding="latin-1"?><i/>',
            "unsupported-charset",
            id="encoding",
        ),
        pytest.param(FORM, "a={{A}}\n", "invalid-form", id="line-break"),
        pytest.param(FORM, "a=100%&b={{A}}", "invalid-form", id="percent"),
        pytest.param(FORM, "a=%{{A}}", "invalid-form", id="percent-before-a-token"),
        pytest.param(
            ("Content-Type", "multipart/form-data; boundary=x"),
            "{{A}}",
            "forbidden-position",
            id="multipart",
        ),
        pytest.param(
            ("Content-Type", "application/json; charset=latin1"),
            "{{A}}",
            "unsupported-charset",
            id="latin1",
        ),
        pytest.param(
            ("Content-Type", 'text/plain; charset="UTF-16"'),
            "{{A}}",
            "unsupported-charset",
            id="utf-16",
        ),
        pytest.param(TEXT, "x" * 200_001, "too-long", id="too-long"),
    ],
)
def test_an_invalid_body_is_reported(header, body, code):
    problems = problems_of(**with_body(header, body))
    assert {problem.code for problem in problems} == {code}
    assert {problem.where for problem in problems} == {"commands.Case.body"}


@pytest.mark.parametrize(
    ("content_type", "body", "filled"),
    [
        pytest.param("application/json; charset=UTF-8", "[{{A}}]", '["a\\"b"]', id="json-utf-8"),
        pytest.param("APPLICATION/JSON", "[{{A}}]", '["a\\"b"]', id="capitals"),
        pytest.param("application/vnd.acme.v2+json", "[{{A}}]", '["a\\"b"]', id="plus-json"),
        pytest.param(
            "application/soap+xml; action=x", "<a>{{A}}&amp;</a>", '<a>a"b&amp;</a>', id="plus-xml"
        ),
        pytest.param(
            "text/xml", "<a b='{{A}}' c=\"{{A}}\"/>", '<a b=\'a"b\' c="a&quot;b"/>', id="xml"
        ),
        pytest.param(
            "text/xml",
            "<?xml version='1.0' encoding='UTF-8'?>\n<a>{{A}}</a>",
            "<?xml version='1.0' encoding='UTF-8'?>\n<a>a\"b</a>",
            id="declaration",
        ),
        pytest.param(
            "text/xml",
            '<a><!-- x --><![CDATA[<]]> > " {{A}}</a>',
            '<a><!-- x --><![CDATA[<]]> > " a"b</a>',
            id="markup-around",
        ),
        pytest.param(
            "application/x-www-form-urlencoded", "{{A}}", "a%22b", id="form-without-equals"
        ),
        pytest.param(
            "application/x-www-form-urlencoded",
            "a=x y å&b={{A}}",
            "a=x+y+%C3%A5&b=a%22b",
            id="form-text",
        ),
        pytest.param("text/csv", "{{A}};1", 'a"b;1', id="unknown-type"),
    ],
)
def test_the_content_type_decides_how_a_body_is_filled(content_type, body, filled):
    command = compile_step(**with_body(("content-type", content_type), body))
    assert fill(command, A='a"b').body.decode() == filled


@pytest.mark.parametrize(
    ("body", "values", "code"),
    [
        pytest.param('{"{{A}}": 1, "b": 2}', {"A": "b"}, "duplicate-key", id="key-of-the-template"),
        pytest.param(
            '{"{{A}}": 1, "{{B}}": 2}', {"A": "x", "B": "x"}, "duplicate-key", id="two-keys"
        ),
        pytest.param('{"o": {"{{A}}": {{B}}, "b": 2}}', {"A": "b"}, "duplicate-key", id="inside"),
        pytest.param('{"a": "{{A}}"}', {"A": None}, "null-value", id="null-in-a-text"),
        pytest.param('{"{{A}}": 1}', {"A": None}, "null-value", id="null-as-key"),
        pytest.param("[{{A}}]", {"A": float("nan")}, "not-finite", id="nan"),
        pytest.param("[{{A}}]", {"A": float("-inf")}, "not-finite", id="infinity"),
        pytest.param("[{{A}}]", {"A": 10**5000}, "too-long", id="endless-number"),
        pytest.param("[{{A}}]", {"A": "x" * 70_000}, "too-long", id="endless-text"),
        pytest.param("[{{A}}]", {"A": "\0"}, "control-character", id="nul"),
        pytest.param("[{{A}}]", {"A": "\ud800"}, "invalid-unicode", id="surrogate"),
        pytest.param("[{{A}}]", {"A": {"x": 1}}, "unsupported-type", id="object"),
        pytest.param("[{{A}}]", {"A": b"x"}, "unsupported-type", id="bytes"),
    ],
)
def test_a_value_that_is_invalid_in_json_is_refused(body, values, code):
    assert misfits(compile_step(**with_body(JSON, body)), **values) == [code]


def test_a_form_key_filled_from_a_value_must_not_repeat_another():
    command = compile_step(**with_body(FORM, "id=1&{{A}}=2"))
    assert misfits(command, A="id") == ["duplicate-key"]
    assert fill(command, A="i d").body == b"id=1&i+d=2"


@pytest.mark.parametrize(
    ("headers", "body", "code", "suggestion"),
    [
        pytest.param((), '{"a": {{A}}}', "no-content-type", "application/json", id="json"),
        pytest.param((), "<a>{{A}}</a>", "no-content-type", "application/xml", id="xml"),
        pytest.param((), "a={{A}}&b=1", "no-content-type", FORM[1], id="form"),
        pytest.param((), "Hello {{A}}", "no-content-type", "text/plain", id="text"),
        pytest.param((FORM,), '{"a": {{A}}}', "other-content-type", "application/json", id="other"),
        pytest.param(
            (("Content-Type", "text/csv"),), "{{A}}", "unknown-content-type", None, id="csv"
        ),
    ],
)
def test_a_doubtful_body_gets_a_remark(headers, body, code, suggestion):
    (note,) = compile_step(method="POST", headers=headers, body=body).notes
    assert (note.code, note.suggestion) == (code, suggestion)
    assert note.where == "commands.Case.body"


@pytest.mark.parametrize(
    ("header", "body", "tampered"),
    [
        pytest.param(JSON, '{"a": {{A}}}', '{"a": [1]}', id="list-for-a-value"),
        pytest.param(JSON, '{"a": {{A}}}', '{"b": 1}', id="other-key"),
        pytest.param(JSON, '{"a": {{A}}}', "[1]", id="other-root"),
        pytest.param(JSON, '[{{A}}, {"k": 1}]', "[1, 2, 3]", id="longer-list"),
        pytest.param(JSON, '[{{A}}, {"k": 1}]', '[1, {"k": 2}]', id="changed-around-it"),
        pytest.param(JSON, "[{{A}}]", "[1", id="not-json"),
        pytest.param(XML, "<a>{{A}}</a>", "<a><b/></a>", id="new-element"),
        pytest.param(XML, "<a>{{A}}</a>", '<a b="1"/>', id="new-attribute"),
        pytest.param(XML, "<a>{{A}}</a>", "<a>", id="not-xml"),
    ],
)
def test_a_filled_body_of_another_structure_is_refused(header, body, tampered):
    command = compile_step(**with_body(header, body))
    check = command.steps[0].body.check
    with pytest.raises(UnfitValue) as refused:
        check(tampered, command.values({"A": "x"}))
    assert refused.value.code == "structure-changed"
