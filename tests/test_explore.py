"""The page of `visualize.explore` as a person uses it, in a real browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from explore_page import opened
from helpers import normal

from minicnn import Input, Sequential, datasets, layers
from minicnn.callbacks import ExploreRecorder
from minicnn.visualize import explore

HOSTILE = [
    "</script><script>alert(1)</script>" + 60 * "long",
    "<!-- <script>",
    "\"quotes\" & 'more' `${x}`",
    "🐱 고양이",
    "שלום‮abc",
]


@pytest.fixture
def model():
    model = Sequential([
        Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu", name="first"), layers.MaxPooling2D(),
        layers.BatchNormalization(), layers.Flatten(), layers.Dense(3, activation="softmax"),
    ], name="small")  # fmt: skip
    for i, variable in enumerate(model.weights):
        variable.assign(np.abs(normal(*variable.shape, seed=i, dtype=np.float32)) if i > 1 else variable.numpy())
    return model


@pytest.fixture(scope="module")
def images():
    return np.abs(normal(5, 8, 8, 1, seed=3, dtype=np.float32))


def heading(page):
    return page.inner_text("aside.panel h2")


def maps_of(page, layer):
    return page.locator("li.card", has_text=layer).locator(".cardbody > .mapsbox canvas")


def value_in(text):
    """The number at the end of a text of the page."""
    return float(re.search(r"(−?[\d.]+(?:e−?\+?\d+)?)$", text.strip()).group(1).replace("−", "-"))


def test_it_opens_computes_the_same_and_speaks_korean(browser, tmp_path, model, images):
    made = explore(model, images, [0, 1, 2, 0, 1], ["a", "b", "c"], file=tmp_path / "page.html")
    assert made.path == tmp_path / "page.html" and "<iframe srcdoc=" in made._repr_html_()
    with opened(browser, made.path) as page:
        assert "The page and minicnn agree: largest difference" in page.inner_text("p.same")
        assert page.locator("li.card").count() == 1 + len(model.layers)
        assert page.locator("button.thumb").count() == 5
        predicted = model.predict(images, verbose=0).argmax(axis=1)
        assert page.locator("button.thumb.wrong").count() == (predicted != [0, 1, 2, 0, 1]).sum()
        page.click("button.thumb >> nth=2")
        shown = page.eval_on_selector_all(
            "table.scores tbody tr", "rows => rows.map((row) => [row.cells[0].innerText, row.cells[2].innerText])"
        )
        p = model.predict(images[2:3], verbose=0)[0]
        written = [f"{100 * share:.1f} %" if share >= 5e-4 else "< 0.1 %" for share in p]
        assert shown == [["abc"[i], written[i]] for i in np.argsort(-p)]
        page.click("button.language")
        assert page.get_attribute("html", "lang") == "ko"
        assert "페이지와 minicnn의 계산이 같습니다" in page.inner_text("p.same")


def test_a_notebook_shows_the_page_in_its_cell(browser, tmp_path, model, images):
    html = explore(model, images, file=None)._repr_html_()
    (tmp_path / "cell.html").write_text(f'<meta charset="utf-8">{html}', encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "cell.html").resolve().as_uri())
    cell = page.frame_locator("iframe")
    assert "The page and minicnn agree" in cell.locator("p.same", has_text="largest").inner_text()
    assert cell.locator("li.card").count() == 1 + len(model.layers)
    page.close()


def test_every_text_has_both_languages():
    from minicnn.visualize.explore.page import FOLDER

    keys = set(re.findall(r"^  (\w+): \[", (FOLDER / "strings.js").read_text(encoding="utf-8"), re.M))
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.js"))
    used = set(re.findall(r"\bt\(\"(\w+)\"", code)) | set(re.findall(r"\bt\([^\"()]*\? \"(\w+)\"", code))
    assert used <= keys, used - keys
    assert not [key for key in keys if f'"{key}"' not in code], "texts that nothing shows"


def test_a_click_shows_the_arithmetic_and_leads_down_to_the_image(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        conv = maps_of(page, "first")
        conv.click(position={"x": 5, "y": 5})
        y = np.asarray(Sequential(model.layers[:1])(images[:1]))[0]
        assert heading(page).startswith("first, row 0, column 0, map 0: ")
        assert value_in(heading(page)) == pytest.approx(y[0, 0, 0], rel=1e-3, abs=1e-6)
        assert "y[n, oh, ow, f] = b[f] + sum over kh, kw, c of" in page.inner_text("aside.panel")
        assert "total += x[0, h, w_, channel] * w[kh, kw, c, 0]" in page.inner_text("aside.panel")
        sums = page.inner_text("table.sums").split()
        window, kernel = images[0, :3, :3, 0], model.layers[0].kernel.numpy()[:, :, 0, 0]
        assert float(sums[1].replace("−", "-")) == pytest.approx((window * kernel).sum(), rel=1e-3, abs=1e-6)
        page.locator("table.grid >> nth=0").locator("button.number >> nth=4").click()
        assert heading(page).startswith("Picture, row 1, column 1, map 0: ")
        assert value_in(heading(page)) == pytest.approx(images[0, 1, 1, 0], rel=1e-3)
        page.click("aside.panel button:has-text('Back')")
        assert heading(page).startswith("first, ")


def test_a_keyboard_alone_reaches_the_arithmetic(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.getAttribute('aria-label')?.startsWith('first.')"):
                break
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "PageDown"):
            page.keyboard.press(key)
        assert "row 1, column 2, map 1" in page.inner_text("li.card:has-text('first') output")
        page.keyboard.press("Enter")
        assert heading(page).startswith("first, row 1, column 2, map 1: ")


def test_a_keyboard_alone_draws(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    pictures = "[...window.explore.pictures[0].data]"
    with opened(browser, tmp_path / "page.html") as page:
        before = page.evaluate(pictures)
        page.get_by_role("button", name="draw").press("Enter")
        page.locator("canvas.picture").focus()
        for key in ("ArrowLeft", "ArrowUp", "Space"):
            page.keyboard.press(key)
        page.wait_for_function("window.explore.changed")
        assert page.evaluate(pictures) != before
        page.get_by_role("button", name="look").press("Enter")
        page.locator("canvas.picture").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        H, W = images.shape[1:3]
        assert heading(page).startswith(f"Picture, row {H // 2 - 1}, column {W // 2}, ")


def test_what_was_closed_stays_closed(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        maps_of(page, "first").click(position={"x": 5, "y": 5})
        page.click("aside.panel details.lesson summary")
        maps_of(page, "first").click(position={"x": 15, "y": 5})
        assert not page.evaluate("document.querySelector('aside.panel details.lesson').open")


def test_backward_shows_where_gradients_come_from(browser, tmp_path, model, images):
    model.compile("adam", "sparse_categorical_crossentropy")
    explore(model, images, [0, 1, 2, 0, 1], file=tmp_path / "page.html")
    y, saved = model.forward(images[:1], False, logits=True)
    p = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
    model.backward((p - np.eye(3)[[0]]).astype(np.float32), saved)
    dw = model.layers[0].kernel.grad
    with opened(browser, tmp_path / "page.html") as page:
        page.check("input[name=mode] >> nth=1")
        maps_of(page, "first").click(position={"x": 5, "y": 5})
        assert "dL/dx" in heading(page)
        page.check("input[name=mode] >> nth=0")
        page.locator("table.grid >> nth=1").locator("button.number >> nth=4").click()
        assert heading(page).startswith("first, kernel[kh = 1, kw = 1, c = 0, f = 0]")
        total = value_in(page.inner_text("tr.result"))
        assert total == pytest.approx(dw[1, 1, 0, 0], rel=2e-3, abs=1e-7)
        page.click("aside.panel details.lesson summary")
        assert "sum over kh, kw, c" in page.inner_text("aside.panel details.lesson pre >> nth=0")


def test_an_edited_weight_changes_the_outputs(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        before = page.inner_text("table.scores")
        page.evaluate("explore.select({ weight: 0, at: 4, name: 'kernel' })")
        page.fill("form.editor input", "25")
        page.click("form.editor button")
        assert page.inner_text("table.scores") != before
        page.click("button.undo")
        assert page.inner_text("table.scores") == before
        page.evaluate("explore.select({ weight: 0, at: 4, name: 'kernel' })")
        page.fill("form.editor input", "")
        page.click("form.editor button")
        weight = page.evaluate("explore.network.weights[0].data[4]")
        assert weight == model.layers[0].kernel.numpy().flat[4]  # an empty field is no number


def test_a_negative_number_in_a_function_has_one_pair_of_brackets(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    at = int(np.asarray(Sequential(model.layers[:1])(images[:1])).argmin())
    with opened(browser, tmp_path / "page.html") as page:
        page.evaluate(f"explore.select({{ slot: explore.network.layers[0].operations.at(-1).writes, at: {at} }})")
        assert "= relu(−" in page.inner_text("aside.panel")


def test_numbers_that_differ_from_minicnns_are_reported_in_red(browser, tmp_path, model, images):
    made = explore(model, images, file=None)
    (tmp_path / "page.html").write_text(made.html.replace('"epsilon": 0.001', '"epsilon": 0.5'), encoding="utf-8")
    with opened(browser, tmp_path / "page.html") as page:
        assert "does not compute what minicnn computed" in page.inner_text("p.differs")
        assert page.eval_on_selector("p.differs", "p => getComputedStyle(p).color") == "rgb(176, 0, 32)"


def test_the_verdict_is_that_of_the_weights_and_the_picture_as_they_are(browser, tmp_path, model, images):
    labels = model.predict(images, verbose=0).argmax(axis=1)
    explore(model, images, labels, ["a", "b", "c"], file=tmp_path / "page.html")
    wrong = (labels[0] + 1) % 3
    with opened(browser, tmp_path / "page.html") as page:
        assert page.inner_text("p.verdict").endswith("(right).")
        bias = len(model.weights) - 1
        page.evaluate(f"explore.setWeight({bias}, {wrong}, 1e4)")
        assert page.inner_text("p.verdict").endswith(f"{'abc'[wrong]} (wrong).")
        page.evaluate(f"explore.setWeight({bias}, {wrong}, NaN)")
        assert "The network says: NaN" in page.inner_text("p.verdict")
        page.evaluate("explore.undoEdits()")
        assert page.inner_text("p.verdict").endswith("(right).")


def test_a_file_that_is_no_image_is_reported(browser, tmp_path, model, images):
    explore(model, images, file=tmp_path / "page.html")
    (tmp_path / "notes.txt").write_text("no picture")
    with opened(browser, tmp_path / "page.html") as page:
        for _ in range(2):  # the same file can be chosen again
            page.evaluate("explore.show()")
            page.set_input_files("label.file input", tmp_path / "notes.txt")
            page.wait_for_function("document.body.innerText.includes('notes.txt could not be read as an image')")


def test_hostile_names_do_no_harm(browser, tmp_path):
    model = Sequential([Input((3, 3, 1)), layers.Flatten(name=HOSTILE[0]), layers.Dense(5, name=HOSTILE[3])])
    model.name = HOSTILE[1]
    made = explore(model, np.ones((1, 3, 3, 1)), classes=HOSTILE, file=tmp_path / "page.html")
    with opened(browser, made.path) as page:
        assert page.inner_text("h1") == HOSTILE[1] == page.title()
        assert sorted(page.eval_on_selector_all("table.scores bdi", "all => all.map((b) => b.textContent)")) == sorted(
            HOSTILE
        )
        assert HOSTILE[0] in page.inner_text("li.card >> nth=1")
    with opened(browser, made.path, width=400) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nan_and_infinity_are_shown_as_such(browser, tmp_path):
    model = Sequential([Input((2, 2, 1)), layers.Rescaling(2.0)])
    x = np.array([[np.nan, np.inf], [-np.inf, 1.5]], np.float32).reshape(1, 2, 2, 1)
    explore(model, x, file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        for at, written in enumerate(["NaN", "∞", "−∞", "3"]):
            page.evaluate(f"explore.select({{ slot: explore.network.layers[0].writes, at: {at} }})")
            assert heading(page).endswith(f": {written}")


@pytest.mark.parametrize("width", [1400, 400])
def test_axe_finds_nothing_serious(browser, tmp_path, model, images, width):
    from axe_playwright_python.sync_playwright import Axe

    explore(model, images, [0, 1, 2, 0, 1], file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html", width) as page:
        maps_of(page, "first").click(position={"x": 5, "y": 5})
        found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
        assert not found, [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_drawn_digit_is_recognised(browser, tmp_path, real_data, monkeypatch):
    monkeypatch.setenv("MINICNN_DATA", str(real_data))
    (x, y), (x_test, y_test) = datasets.mnist.load_data()
    model = Sequential([
        Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:20000, ..., None], y[:20000], batch_size=32, epochs=3, verbose=0)
    explore(model, x_test[:4, ..., None], y_test[:4], file=tmp_path / "page.html")
    digits = {  # strokes, in parts of the picture's side
        1: [[(0.5, 0.15), (0.5, 0.85)]],
        7: [[(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]],
        0: [[(0.5 + 0.22 * np.cos(a), 0.5 + 0.32 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 25)]],
    }
    with opened(browser, tmp_path / "page.html") as page:
        for digit, strokes in digits.items():
            page.click("button:has-text('Empty canvas')")
            box = page.locator("canvas.picture").bounding_box()
            for stroke in strokes:
                for i, (right, down) in enumerate(stroke):
                    page.mouse.move(box["x"] + right * box["width"], box["y"] + down * box["height"])
                    if i == 0:
                        page.mouse.down()
                page.mouse.up()
            page.click("button:has-text('Centre')")
            assert page.inner_text("table.scores tbody th >> nth=0") == str(digit)


def test_the_page_is_small():
    flat = Sequential([Input((1, 1, 1)), layers.Flatten()])
    assert len(explore(flat, np.zeros((1, 1, 1, 1)), file=None).html.encode()) <= 150_000
    fashion = Sequential([
        Input((28, 28, 1)), layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(100, activation="relu"), layers.Dropout(0.4), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    fashion.compile("adam", "sparse_categorical_crossentropy")
    x, recorder = np.random.default_rng(0).integers(0, 256, (18, 28, 28, 1), np.uint8), ExploreRecorder()
    fashion.fit(x, np.arange(18) % 10, epochs=8, verbose=0, callbacks=[recorder])  # Adam's moments are in the page, too
    assert len(explore(fashion, x, history=recorder, file=None).html.encode()) < 3_000_000


def test_what_explore_cannot_show_is_an_error(model, images):
    with pytest.raises(ValueError, match=r"explore shows at most 100 images, .* received x of shape \(300, 8, 8, 1\)"):
        explore(model, np.zeros((300, 8, 8, 1)), file=None)
    with pytest.raises(ValueError, match="classes must have a name for each of the 3 outputs; received 2 names"):
        explore(model, images, classes=["a", "b"], file=None)
    with pytest.raises(ValueError, match="received 5 samples in x and 2 in y"):
        explore(model, images, [0, 1], file=None)
    with pytest.raises(ValueError, match=r"have the output.s shape \(5, 3\); received shape \(5, 2\)"):
        explore(model, images, np.zeros((5, 2)), file=None)
    model.compile(loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"one integer label per row, .* received targets of shape \(5, 2\)"):
        explore(model, images, np.zeros((5, 2)), file=None)
    with pytest.raises(ValueError, match=r"x is empty: received an array of shape \(0, 8, 8, 1\)"):
        explore(model, images[:0], file=None)
    with pytest.raises(ValueError, match="small"):
        explore(model, np.zeros((1, 8, 9, 1)), file=None)
    for classes in (3, "abc", {"a": 0}):
        with pytest.raises(ValueError, match="classes must be a list of names, one for each class; received"):
            explore(model, images, classes=classes, file=None)
    with pytest.raises(ValueError, match="explore shows models that run their layers"):
        explore(layers.Dense(3), images, file=None)
    with pytest.raises(ValueError, match="Save the page before opening it"):
        explore(model, images, file=None).open()
