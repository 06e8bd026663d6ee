"""LoginWithToken: asks the organisation's own system about the person who came with a token."""

from __future__ import annotations

from dataclasses import dataclass, field

from billhook.engine.command.person import NamedPerson, person_in
from billhook.engine.errors import BillhookError, DocumentNotFound
from billhook.engine.record import new_run_id
from billhook.engine.run import run_for_values
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import LOGIN_COMMAND, LOGIN_TOKENS, Value
from billhook.portal.documents.token_values import DEFAULT_LOCALE
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import OnFailure
from billhook.portal.integrations.store import get_store
from billhook.portal.organisations.models import Organisation
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.recorder import RunContext, recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQuestion:
    """Whose token is it? ``run_id`` is the first run's id, by which people can ask about it."""

    organisation: Organisation
    token: Secret
    run_id: str = field(default_factory=new_run_id)

    async def ask(self) -> NamedPerson:
        """Ask the sources that have LoginWithToken, in their order, until one knows the token.

        Raises:
            DocumentNotFound: if none of them knows it, or there are none.
            BillhookError: if one failed that isn't set to let the next one try.
        """
        failure: BillhookError = DocumentNotFound()
        is_first = True
        async for source in get_store().sources_of(self.organisation.id, LOGIN_COMMAND):
            try:
                return await self._ask(source, is_first=is_first)
            except DocumentNotFound:
                pass
            except BillhookError as error:
                if source.on_failure != OnFailure.NEXT:
                    raise
                failure = error
            is_first = False
        raise failure

    async def _ask(self, source: LiveIntegration, *, is_first: bool) -> NamedPerson:
        use = RunContext(
            organisation_id=self.organisation.id,
            integration_id=source.id,
            command=LOGIN_COMMAND,
            kind=RunKind.SIGN_IN,
            run_id=self.run_id if is_first else new_run_id(),
            part_of="" if is_first else self.run_id,
        )
        command = source.commands[LOGIN_COMMAND]
        tokens = login_tokens(self.organisation, self.token)
        given = {name: value for name, value in tokens.items() if name in command.tokens}
        with recorded(use) as trace:
            values = await run_for_values(
                command,
                source.values(LOGIN_COMMAND, given, run_id=use.run_id),
                transport=source.transport,
                trace=trace,
                share=source.organisation_id,
            )
            person = person_in(values)
            if not person.contact_id and not person.email:
                raise DocumentNotFound
            return person


def login_tokens(organisation: Organisation, token: Secret) -> dict[str, Value]:
    """Return the values of the tokens of LoginWithToken."""
    return {
        **dict.fromkeys(LOGIN_TOKENS, token),
        "Locale": DEFAULT_LOCALE,
        "OrganisationName": organisation.name,
    }
