"""One run for a caller of the gateway: from its body to the reply, and always recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Final

import structlog

from billhook.engine.answer.document import Document
from billhook.engine.errors import BillhookError
from billhook.engine.http.trace import Trace
from billhook.engine.record import RunRecord, new_run_id
from billhook.engine.stop import SERVER_STOPPED, ServerStopped, is_server_stop
from billhook.gateway.body import Receive, Scalar
from billhook.gateway.disconnect import CallerWatch
from billhook.gateway.errors import CallerLeft, GatewayError, InternalError
from billhook.gateway.file_name import file_name, wanted_name
from billhook.gateway.metrics import GatewayMetrics
from billhook.gateway.response import GatewayResponse, document_reply, problem_reply
from billhook.gateway.store import ApiCaller, Recorder, RunnableIntegration
from billhook.gateway.traces import facts

log = structlog.get_logger("billhook.gateway")

OK: Final = "ok"
CANCELLED: Final = "cancelled"
"""The outcome of a run that was given up: the caller left, or the server was stopped."""


class ApiRun:
    """One run of *command* of *integration* for *caller*."""

    __slots__ = (
        "_caller",
        "_clock",
        "_command",
        "_integration",
        "_metrics",
        "_recorder",
        "_started",
        "_trace",
        "id",
    )

    def __init__(
        self,
        integration: RunnableIntegration,
        command: str,
        caller: ApiCaller,
        *,
        recorder: Recorder,
        metrics: GatewayMetrics,
    ) -> None:
        self.id = new_run_id()
        self._integration = integration
        self._command = command
        self._caller = caller
        self._recorder = recorder
        self._metrics = metrics
        self._trace = Trace()
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()

    async def reply(
        self, body: Awaitable[Mapping[str, Scalar]], receive: Receive
    ) -> GatewayResponse:
        """Run the command and return the reply: the document, or what went wrong.

        *body* gives the tokens. One that can't be read is the outcome of the run, too, so
        that the call can be found in the runs.

        Raises:
            CallerLeft: when the caller closed the connection meanwhile.
        """
        self._metrics.run_started()
        try:
            tokens = await body
            with CallerWatch(receive):
                document = await self._document(tokens)
        except CallerLeft as left:
            self._record(CANCELLED, reason=left.code)
            raise
        except GatewayError as error:
            self._record(error.code)
            return problem_reply(error, run_id=self.id)
        except BillhookError as error:
            self._record(error.code, reason=error.reason)
            return problem_reply(error, run_id=self.id)
        except asyncio.CancelledError as error:
            self._record(CANCELLED, reason=SERVER_STOPPED)
            if not is_server_stop(error):
                raise
            return problem_reply(ServerStopped(), run_id=self.id)
        except Exception as error:  # noqa: BLE001 - a run leaves its record even then
            log.error("run-failed", run=self.id, **facts(error))  # noqa: TRY400 - its text may hold values
            self._record(InternalError.code)
            return problem_reply(InternalError(), run_id=self.id)
        self._record(OK, document=document)
        return document_reply(document, run_id=self.id, name=self._name(tokens, document))

    async def _document(self, tokens: Mapping[str, Scalar]) -> Document:
        return await self._integration.run(self._command, tokens, trace=self._trace, run_id=self.id)

    def _name(self, tokens: Mapping[str, Scalar], document: Document) -> str:
        wanted = wanted_name(self._command, tokens)
        return file_name(wanted, fallback=self.id, extension=document.extension)

    def _record(self, outcome: str, *, reason: str = "", document: Document | None = None) -> None:
        seconds = time.perf_counter() - self._clock
        self._metrics.run_ended(seconds)
        self._recorder.record(
            RunRecord(
                id=self.id,
                organisation_id=self._integration.organisation_id,
                integration_id=self._integration.id,
                command=self._command,
                kind="api",
                user_id=None,
                api_key_id=self._caller.key_id,
                invoice_id=None,
                outcome=outcome,
                reason=reason,
                attempts=tuple(self._trace.attempts),
                started_at=self._started,
                milliseconds=seconds * 1000,
                document_bytes=document.size if document else 0,
                media_type=document.media_type if document else "",
            )
        )
