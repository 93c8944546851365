// The kernel of a convolution as small maps, one for each filter: what it looks for in one input channel. In the
// backward view, the gradients of its numbers.

import { Maps } from "views/maps";
import { Tensor } from "tensor";
import { t } from "strings";
import { h } from "dom";

export class Kernels {
  constructor(app, layer) {
    Object.assign(this, { app, layer, channel: 0 });
    this.number = layer.operations[0].weights.kernel;
    const [, , C] = app.data.weights[this.number].shape;
    this.maps = new Maps({ name: `${layer.name}, ${t("kernels")}`, choose: (at) => this.choose(at) });
    const choice = C > 1 ? h("label", {}, `${t("inputChannel")} `, h("input", {
      type: "number", min: 0, max: C - 1, value: 0,
      onchange: (event) => { this.channel = Math.min(Math.max(Number(event.target.value) || 0, 0), C - 1); this.show(); },
    })) : null;
    this.element = h("details.kernels", { ontoggle: () => this.show() }, h("summary", {}, t("kernels")), choice, this.maps.element);
  }

  // The maps of one channel show number `at` of the kernel at the place [kh, kw, f].
  placeInKernel(at) {
    const [, , C, F] = this.kernelShape();
    return (Math.floor(at / F) * C + this.channel) * F + (at % F);
  }

  // (KH, KW, C/G, F): a depthwise kernel (KH, KW, C, multiplier) holds the same numbers in the same order.
  kernelShape() {
    const [KH, KW, C, F] = this.app.data.weights[this.number].shape, filters = this.layer.operations[0].shape[2];
    return F === filters ? [KH, KW, C, F] : [KH, KW, 1, filters];
  }

  choose(at) {
    this.app.select({ weight: this.number, at: this.placeInKernel(at), name: "kernel" });
  }

  show(width = this.width) {
    this.width = width;
    const { app } = this, signed = app.mode === "backward";
    if (!this.element.open) return;
    const source = signed ? app.weightGradients.get(this.number) : app.network.weights[this.number], [KH, KW, , F] = this.kernelShape();
    this.maps.element.hidden = !source;
    if (!source) return;
    const shown = new Tensor([KH, KW, F]);
    for (let at = 0; at < shown.data.length; at++) shown.data[at] = source.data[this.placeInKernel(at)];
    const { weight, at } = app.selected ?? {};
    this.maps.marked = weight === this.number ? [...shown.data.keys()].filter((i) => this.placeInKernel(i) === at) : [];
    this.maps.show(shown, { signed: true, width });
  }
}
