"""Where the tests find things: the repository, and the reference folder that may lie beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Recordings and reference documents. They are no part of the program: a test that reads them
# carries `@pytest.mark.needs_shared` (or its module `pytestmark = pytest.mark.needs_shared`) and
# is collected only where the folder exists. Read it inside the test, never while importing.
SHARED = ROOT.parent / "shared"
