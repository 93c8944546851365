"""A drawn replacement for Fashion-MNIST: the same shapes, types and classes, for machines without the real data.

Every shape is a distance field: an array (n, 28, 28) that is negative inside the shape and positive outside.
`np.minimum` unites two fields, `np.maximum` intersects them, and `np.maximum(a, -b)` cuts b out of a.

The unit of length is half an image: x runs from -1 (left) to 1 (right), y from -1 (top) to 1 (bottom). Shift, rotation
and scale are applied to these coordinates once, so the code that draws a garment does not deal with them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

SIDE = 28  # pixels
PIXEL = 2 / SIDE  # side of a pixel in the garment's unit of length
IMAGES_AT_ONCE = 500  # a field of 500 images takes 1.6 MB and stays in the processor's cache
FAR = 9.0  # a distance outside every image, for a part that this garment does not have


def load_data(seed: int = 0, train: int = 60_000, test: int = 10_000) -> tuple:
    """Draw the data set; the same seed and sizes give the same images.

    Returns ((x_train, y_train), (x_test, y_test)): x uint8 (n, 28, 28) with background 0, y uint8 (n,) with the
    indices of CLASS_NAMES. The sizes of the classes differ by at most one image, and the order of labels is random.
    """
    for name, count in (("train", train), ("test", test)):
        if count < 1:
            raise ValueError(f"{name} must be a positive number of images; received {name}={count!r}.")
    # Spawned generators are independent, so no test image is a copy of a training image.
    train_rng, test_rng = np.random.default_rng(seed).spawn(2)
    return _draw_part(train_rng, train), _draw_part(test_rng, test)


def _draw_part(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` images, uint8 (count, 28, 28), and their labels, uint8 (count,)."""
    labels = rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype(np.uint8)
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for label, draw in enumerate(GARMENTS):
        places = np.flatnonzero(labels == label)
        for start in range(0, len(places), IMAGES_AT_ONCE):
            chunk = places[start : start + IMAGES_AT_ONCE]
            images[chunk] = _paint(Canvas(rng, len(chunk)), draw)
    return images, labels


class Canvas:
    """n empty images: every pixel's position in its garment's coordinates, and random numbers for proportions.

    x, y: float32 (n, 28, 28). `between` and `chance` give arrays (n, 1, 1): one number for each image.
    """

    def __init__(self, rng: np.random.Generator, count: int):
        self.rng = rng
        self.count = count
        self.x, self.y = self._posed_grid()

    def between(self, low: float, high: float) -> np.ndarray:
        """Return one uniform number for each image, float32 (n, 1, 1)."""
        return self.rng.uniform(low, high, (self.count, 1, 1)).astype(np.float32)

    def chance(self, probability: float) -> np.ndarray:
        """Return True with the given probability for each image, bool (n, 1, 1)."""
        return self.rng.random((self.count, 1, 1)) < probability

    def noise(self) -> np.ndarray:
        """Return standard normal noise for each pixel, float32 (n, 28, 28)."""
        return self.rng.standard_normal((self.count, SIDE, SIDE), np.float32)

    def _posed_grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Shift, turn, shear and scale the pixel grid. The garment appears changed by the inverse of this."""
        centres = ((np.arange(SIDE, dtype=np.float32) + 0.5) * PIXEL - 1).reshape(1, 1, SIDE)
        x = centres - self.between(-0.16, 0.16)
        y = centres.reshape(1, SIDE, 1) - self.between(-0.16, 0.16)
        angle = self.between(-0.2, 0.2)  # radians
        scale = self.between(0.78, 1.12)
        turned_x = (np.cos(angle) * x + np.sin(angle) * y) / (scale * self.between(0.85, 1.1))
        turned_y = (np.cos(angle) * y - np.sin(angle) * x) / scale
        return turned_x + self.between(-0.15, 0.15) * turned_y, turned_y


# Painting: from a shape to grey values


def _paint(canvas: Canvas, draw: Callable) -> np.ndarray:
    """Draw one kind of garment n times, with its cloth, light, blur and noise; return uint8 (n, 28, 28)."""
    outline, details = draw(canvas)
    cloth = canvas.between(0.3, 0.95) * _pattern(canvas) * _light(canvas, outline)
    # Details are darker or brighter than the cloth, so that the brightness of one pixel does not tell the class.
    ink = np.where(canvas.chance(0.5), canvas.between(0.0, 0.25), canvas.between(0.85, 1.0))
    ink = np.where(np.abs(ink - cloth.mean((1, 2), keepdims=True)) < 0.3, 1 - ink, ink)
    cloth += canvas.between(0.65, 1.0) * _coverage(details, PIXEL) * (ink - cloth)
    cloth *= 1 + canvas.between(0.0, 0.15) * canvas.noise()  # in proportion, so that dark garments stay visible
    # A wide edge looks like a blurred photograph. Pixels outside the garment stay exactly 0, as in Fashion-MNIST.
    grey = _coverage(outline, canvas.between(1.0, 3.0) * PIXEL) * np.clip(cloth, 0, 1)
    return (255 * grey + 0.5).astype(np.uint8)


def _coverage(distance: np.ndarray, edge: np.ndarray | float) -> np.ndarray:
    """Turn a distance field into opacity 0..1 that falls over a width of `edge`."""
    return np.clip(0.5 - distance / edge, 0, 1)


def _pattern(canvas: Canvas) -> np.ndarray:
    """Return the pattern of the cloth as a factor: plain, stripes in any direction, or checks."""
    direction = canvas.between(0, np.pi)
    frequency = canvas.between(6, 22)  # radians per half image
    along = np.sin(frequency * (np.cos(direction) * canvas.x + np.sin(direction) * canvas.y) + canvas.between(0, 6))
    across = np.sin(frequency * (np.cos(direction) * canvas.y - np.sin(direction) * canvas.x))
    stripes = np.where(canvas.chance(0.3), along * across, along)
    strength = np.where(canvas.chance(0.5), canvas.between(0.1, 0.5), 0)
    return 1 + strength * stripes


def _light(canvas: Canvas, outline: np.ndarray) -> np.ndarray:
    """Return the light on the garment as a factor: from one side, and weaker where the cloth turns away."""
    from_side = 1 + canvas.between(-0.4, 0.4) * canvas.x + canvas.between(-0.4, 0.4) * canvas.y
    turning_away = canvas.between(0, 0.5) * _coverage(-outline - 0.15, 0.3)
    return from_side * (1 - turning_away)


# Shapes: distance fields (n, 28, 28)


def _ellipse(x, y, radius_x, radius_y):
    """Ellipse around the origin. The distance is exact only on the edge, and only the edge matters for drawing."""
    return (np.sqrt((x / radius_x) ** 2 + (y / radius_y) ** 2) - 1) * np.minimum(radius_x, radius_y)


def _box(x, y, half_width, half_height):
    """Rectangle around the origin."""
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _trapezoid(x, y, top, bottom, half_top, half_bottom):
    """Trapezoid around x = 0 from y = top to y = bottom; half_top and half_bottom are half its width there."""
    half_width = half_top + (half_bottom - half_top) * ((y - top) / (bottom - top))
    return np.maximum(np.abs(x) - half_width, np.maximum(top - y, y - bottom))


def _limb(x, y, length_x, length_y, radius):
    """Thick line with round ends from the origin to (length_x, length_y)."""
    along = np.clip((x * length_x + y * length_y) / (length_x**2 + length_y**2), 0, 1)
    return np.sqrt((x - along * length_x) ** 2 + (y - along * length_y) ** 2) - radius


def _under_line(x, y, run, rise):
    """Half plane under the line from the origin to (run, -rise), run > 0."""
    return -(x * rise + y * run) / np.sqrt(run**2 + rise**2)


def _stroke(distance, width):
    """Line of the given width along the edge of a shape."""
    return np.abs(distance) - width / 2


def _repeat(x, period):
    """Distance to the nearest multiple of `period`."""
    return np.abs(x - period * np.round(x / period))


def _sometimes(canvas, probability, field):
    """Return the part's field for some garments, chosen at random, and FAR for the others."""
    return np.where(canvas.chance(probability), field, FAR)


# Garments: each returns two distance fields, its outline and its details (seams, buttons, soles)


def _top(canvas, sleeve, neck_width, neck_depth):
    """Torso, two sleeves and a cut-out neck. Return the shape, y measured from the shoulders, and the hem's y."""
    x, y = np.abs(canvas.x), canvas.y + canvas.between(0.75, 0.9)  # the absolute value makes both sides alike
    shoulder, hem_y = canvas.between(0.42, 0.58), canvas.between(1.45, 1.75)
    torso = _trapezoid(x, y, 0, hem_y, shoulder, canvas.between(0.38, 0.58))
    length, angle, radius = sleeve
    sleeves = _limb(x - shoulder + radius, y - radius, length * np.sin(angle), length * np.cos(angle), radius)
    shape = np.maximum(np.minimum(torso, sleeves), -_ellipse(x, y, neck_width, neck_depth))
    return shape, y, hem_y


def _short_sleeve(canvas):
    """Length, angle from the vertical in radians and radius."""
    return canvas.between(0.3, 0.6), canvas.between(0.5, 1.1), canvas.between(0.14, 0.22)


def _long_sleeve(canvas):
    """Length, angle from the vertical in radians and radius."""
    return canvas.between(1.05, 1.45), canvas.between(0.14, 0.36), canvas.between(0.1, 0.17)


def _t_shirt(canvas):
    """Short sleeves, a round neck, and a print on the chest of some."""
    shape, y, _ = _top(canvas, _short_sleeve(canvas), canvas.between(0.18, 0.3), canvas.between(0.12, 0.4))
    chest = _box(canvas.x, y - canvas.between(0.5, 0.8), canvas.between(0.1, 0.3), canvas.between(0.05, 0.25))
    return shape, _sometimes(canvas, 0.5, chest)


def _trouser(canvas):
    """Two legs with a gap that widens to the ankles, a waistband and a fly."""
    x, y = np.abs(canvas.x), canvas.y
    waist_y, ankle_y, crotch_y = canvas.between(-0.95, -0.85), canvas.between(0.75, 0.98), canvas.between(-0.45, -0.1)
    waist, ankle = canvas.between(0.26, 0.42), canvas.between(0.26, 0.5)
    gap = _trapezoid(x, y, crotch_y, 1.5, canvas.between(0.0, 0.05), ankle * canvas.between(0.25, 0.6))
    band = _stroke(y - waist_y - 0.14, 0.05)
    fly = _box(x, y - waist_y - 0.3, 0.02, 0.15)
    details = np.minimum(_sometimes(canvas, 0.6, band), _sometimes(canvas, 0.5, fly))
    return np.maximum(_trapezoid(x, y, waist_y, ankle_y, waist, ankle), -gap), details


def _pullover(canvas):
    """Long sleeves, a closed front and knitted bands at hem and neck."""
    neck_width, neck_depth = canvas.between(0.15, 0.26), canvas.between(0.08, 0.2)
    shape, y, hem_y = _top(canvas, _long_sleeve(canvas), neck_width, neck_depth)
    collar = _stroke(_ellipse(canvas.x, y, neck_width + 0.1, neck_depth + 0.1), 0.05)
    hem = _stroke(y - hem_y + canvas.between(0.12, 0.2), 0.05)
    hem = np.maximum(hem, np.abs(canvas.x) - 0.6)  # only the torso, not the sleeves beside it
    return shape, np.minimum(_sometimes(canvas, 0.7, collar), _sometimes(canvas, 0.7, hem))


def _dress(canvas):
    """Narrow bodice and a skirt that flares from the waist; without sleeves or with short ones."""
    x, y = np.abs(canvas.x), canvas.y + 0.92
    waist_y, hem_y = canvas.between(0.55, 0.85), canvas.between(1.6, 1.88)
    shoulder, waist = canvas.between(0.22, 0.36), canvas.between(0.16, 0.28)
    bodice = _trapezoid(x, y, 0, waist_y, shoulder, waist)
    skirt = _trapezoid(x, y, waist_y, hem_y, waist, waist + canvas.between(0.08, 0.4))
    sleeves = _limb(x - shoulder + 0.1, y - 0.1, canvas.between(0.1, 0.25), canvas.between(0.1, 0.4), 0.1)
    neck = _ellipse(x, y, shoulder * canvas.between(0.5, 0.8), canvas.between(0.12, 0.45))
    shape = np.minimum(np.minimum(bodice, skirt), _sometimes(canvas, 0.3, sleeves))
    return np.maximum(shape, -neck), _sometimes(canvas, 0.5, _stroke(y - waist_y, 0.08))


def _coat(canvas):
    """Long sleeves, lapels and a front that is open from top to hem."""
    shape, y, hem_y = _top(canvas, _long_sleeve(canvas), canvas.between(0.12, 0.24), canvas.between(0.08, 0.2))
    opening = np.abs(canvas.x) - 0.025 - canvas.between(0.0, 0.1) * y / hem_y
    lapel_depth = canvas.between(0.4, 0.8)
    lapels = _trapezoid(canvas.x, y, 0, lapel_depth, canvas.between(0.2, 0.32), 0.02)
    return shape, np.minimum(opening, _sometimes(canvas, 0.7, lapels))


def _shirt(canvas):
    """Pointed collar and a row of buttons; long or short sleeves."""
    is_long = canvas.chance(0.6)
    pairs = zip(_long_sleeve(canvas), _short_sleeve(canvas), strict=True)
    sleeve = [np.where(is_long, long, short) for long, short in pairs]
    shape, y, hem_y = _top(canvas, sleeve, canvas.between(0.1, 0.15), canvas.between(0.08, 0.12))
    x, size = np.abs(canvas.x), canvas.between(0.2, 0.3)
    collar = _stroke(_trapezoid(x - size / 2, y, 0, size, size / 2, 0.02), 0.05)
    radius = canvas.between(0.045, 0.06)
    buttons = _ellipse(x, _repeat(y - size, canvas.between(0.24, 0.34)), radius, radius)
    buttons = np.maximum(buttons, size + 0.05 - y)  # none on the collar
    return shape, np.minimum(collar, buttons)


def _foot(canvas, sole_y, top, tongue):
    """Shoe with its toe to the left, and the line of its instep, which ends at (tongue, top)."""
    x, y = canvas.x, canvas.y
    toe = canvas.between(0.15, 0.22)  # radius
    instep = _under_line(x - tongue, y - top, tongue + 0.85 - toe, sole_y - 2 * toe - top)
    front = _limb(x + 0.85 - toe, y - sole_y + toe, 1.2, 0.0, toe)
    back = _trapezoid(x - toe / 2, y, top, sole_y, 0.85 - toe / 2, 0.85 - toe / 2)
    return np.minimum(front, np.maximum(back, instep)), instep


def _sandal(canvas):
    """Thin sole on a flat or high heel, held by a few separate straps."""
    x, y = canvas.x, canvas.y
    heel_y = 0.5 - np.where(canvas.chance(0.5), canvas.between(0.25, 0.6), 0.05)
    thick = canvas.between(0.05, 0.1)
    ball = _limb(x + 0.85, y - 0.5, 0.5, 0.0, thick)
    arch = _limb(x + 0.35, y - 0.5, 1.1, heel_y - 0.5, thick)
    heel = _limb(x - 0.72, y - heel_y, canvas.between(-0.1, 0.05), 0.52 - heel_y, canvas.between(0.04, 0.1))
    sole_y = 0.5 + (heel_y - 0.5) * np.clip((x + 0.35) / 1.1, 0, 1)
    shape = np.minimum(np.minimum(ball, arch), heel)
    ankle_x, ankle_height = canvas.between(0.4, 0.55), canvas.between(0.4, 0.7)
    over_toes = _ellipse(x + canvas.between(0.4, 0.6), y - sole_y, 0.28, canvas.between(0.22, 0.4))
    around_ankle = _ellipse(x - ankle_x, y - sole_y, canvas.between(0.2, 0.3), ankle_height)
    along_instep = _limb(x + 0.55, y - 0.3, ankle_x + 0.4, heel_y - ankle_height - 0.25, canvas.between(0.04, 0.08))
    width = canvas.between(0.08, 0.2)
    front_strap = np.maximum(_stroke(over_toes, width), y - sole_y)
    back_strap = np.maximum(_stroke(around_ankle, width), y - sole_y)
    back_strap = np.minimum(back_strap, _sometimes(canvas, 0.6, along_instep))
    shape = np.minimum(np.minimum(shape, front_strap), _sometimes(canvas, 0.85, back_strap))
    return shape, np.full_like(x, FAR)  # no details


def _sneaker(canvas):
    """Low shoe with a thick sole, laces on the instep and stripes on the side."""
    x, y = canvas.x, canvas.y
    top, tongue = canvas.between(-0.3, 0.0), canvas.between(0.0, 0.25)
    shape, instep = _foot(canvas, 0.5, top, tongue)
    shape = np.maximum(shape, -_ellipse(x - 0.55, y - top, 0.25, canvas.between(0.1, 0.2)))
    sole = np.maximum(0.5 - canvas.between(0.08, 0.16) - y, y - 0.6)
    laces = np.maximum(_repeat(x, 0.2) - 0.04, np.abs(instep + 0.1) - 0.1)
    stripes = _repeat(x + canvas.between(-0.8, 0.8) * y, 0.24) - 0.05
    stripes = np.maximum(stripes, _box(x - 0.2, y - 0.2, canvas.between(0.1, 0.3), 0.2))
    details = np.minimum(_sometimes(canvas, 0.7, sole), _sometimes(canvas, 0.6, laces))
    return shape, np.minimum(details, _sometimes(canvas, 0.5, stripes))


def _bag(canvas):
    """Box with an arched handle, a flap and a clasp."""
    x, y = canvas.x, canvas.y
    top, bottom = canvas.between(-0.35, 0.05), canvas.between(0.6, 0.88)
    width = canvas.between(0.5, 0.88)
    body = _trapezoid(x, y, top, bottom, width * canvas.between(0.75, 1.0), width)
    arc = _ellipse(x, y - top, width * canvas.between(0.4, 0.85), canvas.between(0.3, 0.65))
    handle = np.maximum(_stroke(arc, canvas.between(0.08, 0.16)), y - top)
    flap_y = top + (bottom - top) * canvas.between(0.2, 0.5)
    clasp = _box(x, y - flap_y, canvas.between(0.05, 0.14), canvas.between(0.05, 0.1))
    details = np.minimum(_sometimes(canvas, 0.6, _stroke(y - flap_y, 0.05)), _sometimes(canvas, 0.5, clasp))
    return np.minimum(body, _sometimes(canvas, 0.85, handle)), details


def _ankle_boot(canvas):
    """Closed shoe with a shaft above the ankle and a heel; a zip or an elastic panel on the side."""
    x, y = canvas.x, canvas.y
    heel = np.where(canvas.chance(0.5), canvas.between(0.1, 0.25), 0.02)
    foot, _ = _foot(canvas, 0.6, canvas.between(-0.25, 0.0), canvas.between(0.0, 0.15))
    shaft_x, half = canvas.between(0.38, 0.46), canvas.between(0.28, 0.4)
    shaft = _trapezoid(x - shaft_x, y, canvas.between(-0.95, -0.6), 0.3, half, 0.38)
    under_arch = _ellipse(x - 0.1, y - 0.62, 0.3, heel)
    zip_ = _box(x - shaft_x, y + 0.25, canvas.between(0.02, 0.12), canvas.between(0.2, 0.4))
    sole = np.maximum(0.5 - y, y - 0.7)
    details = np.minimum(_sometimes(canvas, 0.5, zip_), _sometimes(canvas, 0.5, sole))
    return np.maximum(np.minimum(foot, shaft), -under_arch), details


# In the order of CLASS_NAMES.
GARMENTS = (_t_shirt, _trouser, _pullover, _dress, _coat, _sandal, _shirt, _sneaker, _bag, _ankle_boot)
