"""How large a picture is drawn: letters and lines in proportion to it, whatever its pixels are."""

LINES = 540.0  # pixels of a widget from edge to edge of the shorter side: what is written is as large in every film
WINDOW = (1280, 800)  # pixels that the window needs at least
WINDOW_LINES = 1080.0


def scale_of(views: tuple[str, ...], size: tuple[int, int]) -> float:
    """Return how many pixels of a picture of `size` make one of a widget: what QT_SCALE_FACTOR has to be."""
    if "window" in views:
        fits = min(size[0] / WINDOW[0], size[1] / WINDOW[1])
        return fits if fits < 1 else max(1.0, size[1] / WINDOW_LINES)
    return min(size) / LINES
