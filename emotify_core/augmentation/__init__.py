"""Changed copies of training utterances, so that a model meets rooms, noise and codecs before its users do.

`voices` makes other speakers, `rooms` and `noises` other surroundings, `channels` other microphones and codecs, all of
them pure functions of signals at 16 kHz; `mixture` chooses among them at random.
"""

from emotify_core.augmentation.channels import (
    add_offset,
    change_gain,
    clip,
    limit_band,
    lower_rate,
    through_opus,
)
from emotify_core.augmentation.mixture import augment
from emotify_core.augmentation.noises import (
    add_noise,
    bursts,
    coloured_noise,
    excerpt,
    gusts,
    hum,
    mix,
    throbbing,
)
from emotify_core.augmentation.rooms import at_distance, reverberate, synthetic_room, through_room
from emotify_core.augmentation.voices import change_speed, equalize, shift_pitch

__all__ = [
    "add_noise",
    "add_offset",
    "at_distance",
    "augment",
    "bursts",
    "change_gain",
    "change_speed",
    "clip",
    "coloured_noise",
    "equalize",
    "excerpt",
    "gusts",
    "hum",
    "limit_band",
    "lower_rate",
    "mix",
    "reverberate",
    "shift_pitch",
    "synthetic_room",
    "throbbing",
    "through_opus",
    "through_room",
]
