"""The pluggy markers of the project `harness`; they import nothing else of it."""

import pluggy

hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")
