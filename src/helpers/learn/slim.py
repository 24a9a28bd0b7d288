"""Published architectures with every width divided: the same topology at a fraction of the work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

# The constructors of torch are shared by the whole process: one narrowing at a time, and only the thread that
# asked for it sees narrow layers.
_LOCK = threading.RLock()
_GROUPS = 4  # place of `groups` among the positional arguments of Conv2d after the two channel numbers


@contextmanager
def narrowed(divisor: int, *, outputs: int) -> Iterator[None]:
    """Divide the widths of the layers that are constructed inside the block.

    The first convolution keeps its input channels (the image) and a linear layer with `outputs` outputs keeps
    them (the head). Depth, blocks, kernels and skips stay as published, so work falls by about `divisor ** 2`.
    The constructors of `Conv2d`, `BatchNorm2d` and `Linear` are put back on leaving, also after an error; other
    threads are not affected, and a second thread that wants to narrow waits.

    Parameters
    ----------
    divisor : int
        At least 1; every channel number must be a multiple of it.
    outputs : int
        Number of outputs of the head.

    Raises
    ------
    ValueError
        If `divisor` is below 1, or a channel number is not a multiple of it.

    Examples
    --------
    >>> with narrowed(4, outputs=1):
    ...     stem, second = nn.Conv2d(3, 64, 7), nn.Conv2d(64, 128, 3)
    >>> (stem.in_channels, stem.out_channels, second.in_channels, second.out_channels)
    (3, 16, 16, 32)
    >>> nn.Conv2d(3, 64, 7).out_channels
    64
    """
    if divisor < 1:
        raise ValueError(f"divisor must be at least 1, not {divisor}")
    with _LOCK:
        owner, first = threading.get_ident(), [True]
        conv, norm, linear = nn.Conv2d.__init__, nn.BatchNorm2d.__init__, nn.Linear.__init__

        def part(width: int) -> int:
            if width % divisor:
                raise ValueError(f"width_divisor {divisor} does not divide a layer of {width} channels")
            return width // divisor

        def narrow_conv(self, in_channels, out_channels, *args, **options):
            if threading.get_ident() != owner:
                return conv(self, in_channels, out_channels, *args, **options)
            inner = in_channels if first[0] else part(in_channels)
            first[0] = False
            if options.get("groups", 1) > 1:
                options["groups"] = part(options["groups"])
            elif len(args) > _GROUPS and args[_GROUPS] > 1:
                args = (*args[:_GROUPS], part(args[_GROUPS]), *args[_GROUPS + 1 :])
            return conv(self, inner, part(out_channels), *args, **options)

        def narrow_norm(self, num_features, *args, **options):
            mine = threading.get_ident() == owner
            return norm(self, part(num_features) if mine else num_features, *args, **options)

        def narrow_linear(self, in_features, out_features, *args, **options):
            if threading.get_ident() != owner:
                return linear(self, in_features, out_features, *args, **options)
            kept = out_features if out_features == outputs else part(out_features)
            return linear(self, part(in_features), kept, *args, **options)

        nn.Conv2d.__init__, nn.BatchNorm2d.__init__, nn.Linear.__init__ = narrow_conv, narrow_norm, narrow_linear
        try:
            yield
        finally:
            nn.Conv2d.__init__, nn.BatchNorm2d.__init__, nn.Linear.__init__ = conv, norm, linear
