"""Events as spikes in time steps, by tonic's own transform. Imports tonic when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def spikes_of(
    events: Any, sensor: tuple[int, int, int], steps: int, bin_ms: float, merged: bool
) -> NDArray[Any]:
    """Spikes [steps, P, H, W] (uint8) of tonic's `events`, whose times are microseconds.

    `sensor` is (W, H, P), as tonic has it. A step is a bin of `bin_ms` milliseconds from time 0 on; with
    0, the recording is divided into equal parts. Any number of events in a bin is one spike. With `merged`
    there is one polarity.
    """
    import numpy as np
    from tonic.transforms import ToFrame

    spikes = np.zeros((steps, *sensor[::-1]), np.uint8)
    if bin_ms:
        end = steps * bin_ms * 1000
        events = events[events["t"] < end]
        window: dict[str, Any] = {
            "time_window": bin_ms * 1000, "start_time": 0, "end_time": end, "include_incomplete": True
        }  # fmt: skip
    else:
        window = {"n_time_bins": steps}
    if len(events):
        frames = ToFrame(sensor_size=sensor, **window)(events)[:steps]
        spikes[: len(frames)] = frames.reshape(-1, *spikes.shape[1:]) > 0
    return spikes.max(1, keepdims=True) if merged else spikes
