"""Model files that are broken, hostile or in the wrong place raise errors; none is half written or half read."""

from __future__ import annotations

import io
import json
import random
import resource
import zipfile

import h5py
import numpy as np
import pytest
from saved_models import FORMATS, graph, row

import minicnn
from minicnn import layers
from minicnn.saving import archive, legacy_h5

# What goes wrong


@pytest.mark.parametrize("ending", FORMATS)
def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch, ending):
    model, file = row(minicnn), tmp_path / f"model{ending}"
    model.save(file)
    before = file.read_bytes()
    module = archive if ending == ".keras" else legacy_h5

    def interrupted(path, *arguments):
        with open(path, "wb") as half:
            half.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.save(file)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_names_and_places_are_checked(tmp_path):
    model = row(minicnn)
    with pytest.raises(ValueError, match=r"\.keras, \.h5, \.hdf5; received .*model\.pkl"):
        model.save(tmp_path / "model.pkl")
    with pytest.raises(FileNotFoundError, match="no folder"):
        model.save(tmp_path / "nowhere" / "model.keras")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        minicnn.models.load_model(tmp_path / "missing.keras")
    model.save(tmp_path / "model.keras")
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "model.keras", overwrite=False)
    with pytest.raises(ValueError, match="no weights yet"):
        minicnn.Sequential([layers.Dense(2)]).save_weights(tmp_path / "unbuilt.weights.h5")
    with pytest.raises(ValueError, match=r"goes into a folder, whose name has no ending; received .*model"):
        model.save(tmp_path / "model.keras", zipped=False)
    with pytest.raises(ValueError, match="is broken"):
        minicnn.models.load_model(io.BytesIO(b"no zip"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        minicnn.models.load_model(tmp_path / "folder")


@pytest.mark.parametrize("ending", [".weights.h5", ".h5"])
def test_weights_that_do_not_fit_change_nothing(tmp_path, ending):
    model, other = row(minicnn), graph(minicnn)
    other.save_weights(tmp_path / f"other{ending}")
    before = model.get_weights()
    with pytest.raises(ValueError, match="weights"):
        model.load_weights(tmp_path / f"other{ending}")
    for one, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, kept)
    wider = minicnn.Sequential([layers.Input((8, 8, 2)), layers.Flatten(), layers.Dense(4, name="a"), layers.Dense(3)])
    narrow = minicnn.Sequential([layers.Input((8, 8, 2)), layers.Flatten(), layers.Dense(5, name="a"), layers.Dense(3)])
    wider.save_weights(tmp_path / f"wider{ending}")
    with pytest.raises(ValueError, match=r"'a' do not fit"):
        narrow.load_weights(tmp_path / f"wider{ending}")
    narrow.load_weights(tmp_path / f"wider{ending}", skip_mismatch=True)


def test_old_files_can_be_taken_by_name(tmp_path):
    def model(units, name):
        return minicnn.Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.Dense(units, name=name)])

    first, second = model(2, "b"), model(5, "c")
    first.save_weights(tmp_path / "first.h5")
    second.load_weights(tmp_path / "first.h5", by_name=True)
    np.testing.assert_array_equal(second.layers[0].get_weights()[0], first.layers[0].get_weights()[0])


# Hostile files


def rewritten(file, change):
    """Change the configuration in a .keras file."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


ATTACKS = {
    "a callable as a layer": lambda c: c["config"]["layers"].append(
        {"module": "os", "class_name": "system", "config": {"command": "touch hacked"}, "registered_name": None}
    ),
    "a function of a module": lambda c: c["config"]["layers"].append(
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    ),
    "a Lambda with code": lambda c: c["config"]["layers"].append(
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {
            "class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}}}
    ),
    "a callable as an activation": lambda c: c["config"]["layers"][1]["config"].update(
        activation={"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
    ),
    "a callable as an initializer": lambda c: c["config"]["layers"][1]["config"].update(
        kernel_initializer={"module": "subprocess", "class_name": "Popen", "config": {"args": "touch hacked"}}
    ),
    "a callable as the model": lambda c: c.update(module="subprocess", class_name="run", config={"args": ["id"]}),
    "a layer that opens files": lambda c: c["config"]["layers"].append(
        {"module": "keras.layers", "class_name": "TextVectorization", "config": {"vocabulary": "/etc/passwd"}}
    ),
    "a callable as the loss": lambda c: c.update(compile_config={
        "optimizer": "adam", "loss": {"module": "os", "class_name": "function", "config": "system"}, "metrics": None}),
    "a callable as the optimizer": lambda c: c.update(compile_config={
        "optimizer": {"module": "os", "class_name": "system", "config": {"command": "id"}}, "loss": "mse"}),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_configuration_runs_no_code(tmp_path, monkeypatch, attack):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.keras"
    row(minicnn).save(file)
    rewritten(file, attack)
    with pytest.raises(ValueError):
        minicnn.models.load_model(file)
    assert list(tmp_path.iterdir()) == [file]


def test_a_weights_file_opens_no_other_file(tmp_path):
    model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3, use_bias=False)])
    secret, file = tmp_path / "secret.h5", tmp_path / "model.weights.h5"
    with h5py.File(secret, "w") as h5:
        h5["0"] = np.ones((4, 3), np.float32)
    for put in (
        lambda group: group.__setitem__("0", h5py.ExternalLink("secret.h5", "0")),
        lambda group: group.__setitem__("0", h5py.SoftLink("/elsewhere")),
        lambda group: group.create_dataset("0", (4, 3), "f4", external=[(str(secret), 0, 48)]),
        lambda group: group.file.__setitem__("model_weights", h5py.ExternalLink("secret.h5", "/")),
    ):
        with h5py.File(file, "w") as h5:
            put(h5.create_group("layers/dense/vars"))
        with pytest.raises(ValueError, match=r"another place|another file"):
            model.load_weights(file)


def test_claims_of_enormous_sizes_are_refused(tmp_path):
    model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3, use_bias=False)])
    with h5py.File(tmp_path / "huge.weights.h5", "w") as h5:
        h5.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 16), "f4", chunks=(1024, 1024))
    with pytest.raises(ValueError, match="should have 274877906944 bytes, but stores only 0"):
        model.load_weights(tmp_path / "huge.weights.h5")
    with h5py.File(tmp_path / "attribute.h5", "w", libver="latest") as h5:
        h5.attrs.create("layer_names", np.zeros(5 << 20, "S8"))
    with pytest.raises(ValueError, match=r"attribute 'layer_names' may have at most .* its size is 41943040 bytes"):
        model.load_weights(tmp_path / "attribute.h5")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"0" * (200 << 20))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ValueError, match=r"config\.json is too large: .* would become 209715200 bytes"):
        minicnn.models.load_model(tmp_path / "bomb.keras")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_heap_that_never_ends_is_reported(tmp_path, ending):
    """The heap has objects of size 0, which the HDF5 library would read forever."""
    file = tmp_path / f"model{ending}"
    minicnn.Sequential([layers.Input((3,)), layers.Dense(2)]).save(file)
    content = file.read_bytes()
    first = content.index(b"GCOL\x01") + 16
    file.write_bytes(content[:first] + bytes(16) + content[first + 16 :])
    if ending == ".keras":  # zipped again, because the zip's checksum would also show the change
        with zipfile.ZipFile(tmp_path / "again.keras", "w") as archive, zipfile.ZipFile(io.BytesIO(content)) as old:
            for name in old.namelist():
                part = old.read(name)
                heap = part.find(b"GCOL\x01") + 16
                archive.writestr(name, part if heap < 16 else part[:heap] + bytes(16) + part[heap + 16 :])
        file = tmp_path / "again.keras"
    with pytest.raises(ValueError, match="the part that stores its texts is damaged"):
        minicnn.models.load_model(file)


def mutated(content, chance):
    """The bytes of a file with a part cut out, or with some bytes changed."""
    content, kind = bytearray(content), chance.randrange(4)
    if kind == 0:
        return content[: chance.randrange(len(content))]
    if kind == 1:
        start = chance.randrange(len(content))
        del content[start : start + chance.randrange(1, 64)]
        return content
    for _ in range(chance.choice([1, 1, 4, 32])):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return content


@pytest.mark.parametrize("ending", FORMATS)
def test_broken_files_are_reported(tmp_path, ending):
    """A thousand files with changed or missing bytes: each loads, or raises a ValueError."""
    file = tmp_path / f"model{ending}"
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.save(file)
    versions, chance = [file.read_bytes()], random.Random(0)
    refused = 0
    packed = tmp_path / "packed.zip"
    if ending == ".keras":  # the same model, compressed by zip's three methods
        for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w", method) as new:
                for name in old.namelist():
                    new.writestr(name, old.read(name))
            versions.append(packed.read_bytes())
    for i in range(1000):
        file.write_bytes(mutated(versions[i % len(versions)], chance))
        try:
            minicnn.models.load_model(file)
        except ValueError:
            refused += 1
    assert refused > 200


def everything(model):
    """All that a file of weights may change."""
    dropout = model.layers[1]
    state = model.optimizer.state(model.trainable_weights)
    return [*model.get_weights(), *state, np.array([dropout.random_stream, dropout.random_counter], np.uint64)]


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".keras"])
def test_a_broken_file_of_weights_changes_all_or_nothing(tmp_path, ending):
    """A thousand broken files: each is taken as a whole, or refused, and then the model is as it was. It can be saved
    in any case."""
    file = tmp_path / f"some{ending}"
    model = minicnn.Sequential([
        layers.Input((3,)), layers.Dense(2), layers.Dropout(0.5, seed=1), layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    model.fit(np.ones((8, 3)), np.ones(8), batch_size=2, verbose=0)
    if ending == ".keras":
        model.save(file)
    else:
        model.save_weights(file)
    content, chance, refused = file.read_bytes(), random.Random(1), 0
    model.fit(np.ones((8, 3)), np.ones(8), batch_size=2, verbose=0)
    for _ in range(1000):
        file.write_bytes(mutated(content, chance))
        before = everything(model)
        try:
            model.load_weights(file)
        except ValueError:
            refused += 1
            for one, other in zip(everything(model), before, strict=True):
                np.testing.assert_array_equal(one, other)
    assert refused > 100
    model.save(tmp_path / "after.keras")
    minicnn.models.load_model(tmp_path / "after.keras")


@pytest.mark.parametrize("optimizer", ["adam", "loss scale"])
@pytest.mark.parametrize("bad", [1e38, -1.0, np.nan, np.inf, 2.5])
def test_numbers_of_an_optimizer_that_make_no_sense_are_not_taken(tmp_path, bad, optimizer, capsys):
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    adam = minicnn.optimizers.Adam()
    model.compile(adam if optimizer == "adam" else minicnn.optimizers.LossScaleOptimizer(adam), "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    model.save_weights(tmp_path / "some.weights.h5")
    with h5py.File(tmp_path / "some.weights.h5", "a") as h5:
        place = "optimizer/vars/0" if optimizer == "adam" else "optimizer/vars/2"
        del h5[place]
        h5[place] = np.float64(bad)
    before = model.optimizer.state(model.trainable_weights)
    model.load_weights(tmp_path / "some.weights.h5")
    assert "does not fit" in capsys.readouterr().out
    for one, other in zip(model.optimizer.state(model.trainable_weights), before, strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "after.keras")


def test_weights_are_not_drawn_before_the_file_s_arrays_are_looked_at(tmp_path, monkeypatch):
    """A small file with a layer of a hundred million units is refused before that layer gets memory."""
    file = tmp_path / "model.keras"
    monkeypatch.setattr(minicnn.registry, "_custom", [{}])  # classes of other tests
    minicnn.Sequential([layers.Input((4,)), layers.Dense(3, kernel_initializer="orthogonal")]).save(file)
    monkeypatch.setattr(minicnn.initializers.Orthogonal, "__call__", lambda *a, **o: pytest.fail("drawn"))
    minicnn.models.load_model(file)
    rewritten(file, lambda c: c["config"]["layers"][1]["config"].update(units=10**8))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="do not fit"):
        minicnn.models.load_model(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_messages_about_files_are_short_and_name_the_file(tmp_path):
    file = tmp_path / "model.keras"
    minicnn.Sequential([layers.Input((4,)), layers.Dense(3)]).save(file)
    rewritten(file, lambda c: c["config"]["layers"][1].update(class_name="X" * 5_000_000))
    with pytest.raises(ValueError) as told:
        minicnn.models.load_model(file)
    assert len(str(told.value)) < 1500 and "model.keras" in str(told.value)
    for content in (b"{", b'{"class_name": "\xff"}'):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", content)
            archive.writestr("model.weights.h5", b"")
        with pytest.raises(ValueError, match=r"model\.keras' is broken"):
            minicnn.models.load_model(file)


FULL = """
import resource, signal
import numpy as np
import minicnn
from minicnn import layers
model = minicnn.Sequential([layers.Input((40,)), layers.Dense(3000)])
file = {file!r}
save = model.save_weights if ".weights." in file else model.save
save(file)
before = open(file, "rb").read()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save(file)
except OSError as error:
    print(error)
assert open(file, "rb").read() == before
"""


@pytest.mark.parametrize("ending", [*FORMATS, ".weights.h5"])
def test_a_full_disk_is_reported_with_the_name_of_the_file(tmp_path, python, ending):
    """A limit on the size of files stands for the full disk."""
    file = str(tmp_path / f"model{ending}")
    said = python(FULL.format(file=file))
    assert f"{file!r} cannot be saved (" in said and "is unchanged" in said
    assert [path.name for path in tmp_path.iterdir()] == [f"model{ending}"]


def test_code_of_users_finds_the_first_values_of_weights(tmp_path):
    """A layer that computes something from a weight when it is built: the file's own values come later, as in Keras."""

    @minicnn.utils.register_keras_serializable("first_values")
    class Scaled(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")
            self.gain = float(np.mean(np.asarray(self.w)))

        def call(self, x):
            return x * self.w * self.gain

    model = minicnn.Sequential([layers.Input((5,)), Scaled()])
    try:
        for ending in FORMATS:
            model.save(tmp_path / f"model{ending}")
            loaded = minicnn.models.load_model(tmp_path / f"model{ending}")
            np.testing.assert_array_equal(loaded.predict(np.ones((2, 5)), verbose=0), np.ones((2, 5)))
    finally:
        minicnn.utils.get_custom_objects().pop("first_values>Scaled", None)
