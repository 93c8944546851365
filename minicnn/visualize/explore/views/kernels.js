// The kernel of a convolution as small maps, one for each filter: what it looks for in one input channel. In the
// backward view, the gradients of its numbers.

import { Maps } from "views/maps";
import { Tensor, rangeOf } from "tensor";
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
    this.title = h("summary", {});
    this.element = h("details.kernels", { ontoggle: () => this.show() }, this.title, choice, this.maps.element);
    const all = [app.now, ...app.epochs.map(({ weights }) => weights)].map((weights) => weights[this.number]).filter(Boolean);
    const ranges = all.map((weight) => rangeOf(weight.data)); // the same colours in every epoch
    this.range = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
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
    const { app } = this;
    this.title.textContent = t(app.mode === "backward" ? "kernelGradients" : "kernels");
    if (!this.element.open) return;
    const gradients = app.mode === "backward", [KH, KW, , F] = this.kernelShape();
    const source = gradients ? app.weightGradients.get(this.number) : app.network.weights[this.number];
    this.maps.element.hidden = !source;
    if (!source) return;
    const shown = new Tensor([KH, KW, F]);
    for (let at = 0; at < shown.data.length; at++) shown.data[at] = source.data[this.placeInKernel(at)];
    const { weight, at } = app.selected ?? {};
    this.maps.marked = weight === this.number ? [...shown.data.keys()].filter((i) => this.placeInKernel(i) === at) : [];
    this.maps.show(shown, { signed: true, width, ...(gradients ? {} : { range: this.range }) });
  }
}
