"""What all tests stand on: a data folder of their own, so that none writes into the project's."""

from __future__ import annotations

import tempfile

from hypothesis import settings

from billhook.portal.installation import environment

_FOLDER = tempfile.TemporaryDirectory(prefix="billhook-tests-")  # removed when the tests end

environment.put("BILLHOOK_DATA_DIR", _FOLDER.name)

settings.register_profile("billhook", deadline=None)  # a busy machine is no mistake
settings.load_profile("billhook")
