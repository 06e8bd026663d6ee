"""``Idempotency-Key``: a call that is sent again gets the first one's response.

Only responses of success are kept. An error has changed nothing, so its key is free again.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from billhook.engine.secret import Secret
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.problems import ApiProblem
from billhook.portal.api.services import (
    CallInProgress,
    OtherCall,
    Reservation,
    keep_response,
    release_call,
    reserve_call,
)

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location")
_NONCE_BYTES: Final = 12


def answered_once(request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Return what *answer* does, or what it returned for the same call before.

    Raises:
        ApiProblem: if the key can't be used, for this call or at the moment.
    """
    if request.method == "GET":
        return answer()  # a transaction would wait for SQLite's writer
    text = request.headers.get(HEADER)
    if text is None or request.method != "POST":
        with transaction.atomic():
            return answer()
    reservation = _reserve(request, text)
    cipher = _cipher(key_of(request).value)
    if reservation.response is not None:
        return _replay(cipher, reservation.response)
    try:
        with transaction.atomic():
            response = answer()
            keep_response(reservation=reservation, response=_packed(cipher, response))
    except BaseException as error:
        release_call(reservation=reservation)
        if isinstance(error, CallInProgress):
            raise _in_use() from None
        raise
    return response


def _reserve(request: HttpRequest, text: str) -> Reservation:
    if not _VISIBLE.fullmatch(text):
        raise ApiProblem(
            "bad-idempotency-key",
            "An Idempotency-Key has 1 to 255 visible ASCII characters, such as a UUID.",
        )
    try:
        return reserve_call(key=key_of(request).row, text=text, digest=_digest(request))
    except CallInProgress:
        raise _in_use() from None
    except OtherCall:
        raise ApiProblem(
            "idempotency-key-reused",
            "This Idempotency-Key was used for another request within a day. Use a new one.",
        ) from None


def _in_use() -> ApiProblem:
    return ApiProblem(
        "idempotency-key-in-use",
        "A request with this Idempotency-Key is in progress. Send it again after Retry-After.",
        headers={"Retry-After": "1"},
    )


def _digest(request: HttpRequest) -> str:
    """Return the keyed digest of a call: without the key, nobody can test guesses of its secrets.

    A body may hold the password of a source, which the database alone must not help to guess.
    """
    address = f"{request.method} {request.get_full_path()}\n".encode()
    key = _derived(key_of(request).value, b"billhook idempotent request")
    return hmac.digest(key, address + request.body, "sha256").hex()


def _cipher(value: Secret) -> AESGCM:
    """Return the cipher that only the bearer of the API key has."""
    return AESGCM(_derived(value, b"billhook idempotent response"))


def _derived(value: Secret, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(value.reveal().encode())


def _packed(cipher: AESGCM, response: HttpResponse) -> bytes:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    content = {"status": response.status_code, "headers": headers, "body": response.text}
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, json.dumps(content).encode(), None)


def _replay(cipher: AESGCM, packed: bytes) -> HttpResponse:
    try:
        content = cipher.decrypt(packed[:_NONCE_BYTES], packed[_NONCE_BYTES:], None)
    except InvalidTag:
        raise _in_use() from None
    kept = json.loads(content)
    headers = kept["headers"] | {REPLAYED: "true"}
    return HttpResponse(kept["body"], status=kept["status"], headers=headers)
