"""Engines that only predict: ONNX Runtime, OpenVINO and LiteRT. Started by `contestants.py`.

The first two read the PyTorch twin from an ONNX file, LiteRT converts the Keras model. All compute in float32.
"""

from __future__ import annotations

import io
import tempfile

import numpy as np
from contestants import THREADS, Contestant


class Engine(Contestant):
    """An engine. A subclass has `use`, and `outputs` of a batch of any size."""

    def check(self):
        return {"logits": self.outputs(self.x[: self.work.batch]).tolist()}

    def caller(self):
        image = self.x[:1]
        return lambda: self.outputs(image)


class OnnxEngine(Engine):
    """An engine that reads ONNX. Its images are (N, C, H, W)."""

    def __init__(self, library, name):
        super().__init__(library, name)
        self.x = np.ascontiguousarray(self.x.transpose(0, 3, 1, 2))

    def onnx(self, weights):
        """The network as the bytes of an ONNX file, for batches of any size."""
        import torch
        from torch_twin import set_torch_weights, torch_model

        model, file = torch_model(self.name, dropout=False).eval(), io.BytesIO()
        set_torch_weights(model, weights)
        axes = {"x": {0: "N"}, "y": {0: "N"}}
        torch.onnx.export(
            model, torch.from_numpy(self.x[:1]), file, dynamo=False, input_names=["x"], output_names=["y"],
            dynamic_axes=axes,
        )  # fmt: skip
        return file.getvalue()


class OnnxRuntime(OnnxEngine):
    def use(self, weights):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        self.session = onnxruntime.InferenceSession(self.onnx(weights), options, ["CPUExecutionProvider"])

    def outputs(self, x):
        return self.session.run(None, {"x": x})[0]


class OpenVino(OnnxEngine):
    """OpenVINO compiles the network for each batch size, which is faster than for any size."""

    def use(self, weights):
        self.file, self.compiled = self.onnx(weights), {}

    def _for_batch(self, N):
        import openvino

        core = openvino.Core()
        model = core.read_model(self.file)
        model.reshape([N, *self.x.shape[1:]])
        options = {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS,
            "CPU_DENORMALS_OPTIMIZATION": True,
        }  # fmt: skip
        return core.compile_model(model, "CPU", options).create_infer_request()

    def outputs(self, x):
        if len(x) not in self.compiled:
            self.compiled[len(x)] = self._for_batch(len(x))
        request = self.compiled[len(x)]
        request.infer([x], share_inputs=True)
        return request.get_output_tensor().data.copy()


class LiteRt(Engine):
    """LiteRT, whose kernels are XNNPACK's. It makes a program for each batch size, too."""

    def use(self, weights):
        import keras
        from contestant_keras import set_weights
        from models import keras_model

        self.model, self.interpreters = keras_model(keras, self.name, dropout=False), {}
        set_weights(self.model, weights)

    def _for_batch(self, N):
        import keras
        import tensorflow as tf
        from ai_edge_litert.interpreter import Interpreter

        with tempfile.TemporaryDirectory() as folder:
            inputs = keras.InputSpec(shape=(N, *self.work.image), dtype="float32")
            self.model.export(folder, verbose=False, input_signature=[inputs])
            program = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
        interpreter = Interpreter(model_content=program, num_threads=THREADS)
        interpreter.allocate_tensors()
        places = (interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"])
        return interpreter, *places

    def outputs(self, x):
        if len(x) not in self.interpreters:
            self.interpreters[len(x)] = self._for_batch(len(x))
        interpreter, entry, exit_ = self.interpreters[len(x)]
        interpreter.set_tensor(entry, x)
        interpreter.invoke()
        return interpreter.get_tensor(exit_)
