// Every text of the page, in English and Korean. {0}, {1} are replaced by what the caller gives.

const strings = {
  language: ["한국어", "English"],
  summary: ["{0} layers, {1} weights, computed here in {2} ms", "층 {0}개, 가중치 {1}개, 이 페이지의 계산 시간 {2} ms"],
  same: ["Largest difference from minicnn: {0}", "minicnn과의 가장 큰 차이: {0}"],
  differs: [
    "This page does not compute what minicnn computed: the largest difference is {0}",
    "이 페이지의 계산이 minicnn의 계산과 다릅니다. 가장 큰 차이: {0}",
  ],
  sleeping: [
    "{0} of {1} layers are asleep: their weights are not in this page.",
    "층 {1}개 가운데 {0}개는 잠들어 있습니다. 그 가중치는 이 페이지에 없습니다.",
  ],
  forward: ["Forward: outputs", "순전파: 출력"],
  backward: ["Backward: dL/d(output)", "역전파: dL/d(출력)"],
  direction: ["Direction", "방향"],
  images: ["Images", "이미지"],
  image: ["image {0}", "이미지 {0}"],
  right: ["right", "정답"],
  wrong: ["wrong", "오답"],
  picture: ["Picture", "그림"],
  pointer: ["Pointer", "포인터"],
  look: ["look", "보기"],
  draw: ["draw", "그리기"],
  erase: ["erase", "지우기"],
  empty: ["Empty canvas", "빈 캔버스"],
  centre: ["Centre", "가운데로"],
  reset: ["Back to the image", "원래 이미지로"],
  upload: ["Your file", "내 파일"],
  evidence: ["Evidence (Grad-CAM)", "근거 (Grad-CAM)"],
  changed: ["changed by you", "직접 바꾼 그림"],
  scores: ["Outputs", "출력"],
  probability: ["probability", "확률"],
  logit: ["logit", "로짓"],
  label: ["Label of the loss", "손실의 정답"],
  loss: ["Loss", "손실"],
  network: ["Network", "신경망"],
  hint: [
    "Click a pixel, or move with the arrow keys and press Enter. Page Up and Page Down change the map.",
    "픽셀을 클릭하거나 화살표 키로 움직이고 Enter를 누르세요. Page Up과 Page Down은 맵을 바꿉니다.",
  ],
  from: ["reads {0}", "입력: {0}"],
  allMaps: ["Show all {0} maps", "맵 {0}개 모두 보기"],
  fewerMaps: ["Show fewer maps", "맵을 줄여 보기"],
  asleep: ["Asleep: its {0} weights are not in this page.", "잠든 층: 가중치 {0}개가 이 페이지에 없습니다."],
  recordedHere: ["What minicnn computed for this image is shown.", "minicnn이 이 이미지에 대해 계산한 값입니다."],
  unknown: ["Its numbers are not in this page.", "값이 이 페이지에 없습니다."],
  noGradient: ["No gradient reaches it in this page.", "이 페이지에서는 기울기가 닿지 않습니다."],
  own: ["The page does not know this kind of layer.", "이 페이지가 모르는 종류의 층입니다."],
  kernels: ["Kernels: what each filter looks for", "커널: 필터마다 찾는 무늬"],
  inputChannel: ["Input channel", "입력 채널"],
  training: ["Training over time", "학습 과정"],
  epoch: ["after epoch {0}", "에포크 {0} 이후"],
  now: ["now", "현재"],
  curves: ["Curves", "곡선"],
  play: ["Play", "재생"],
  arithmetic: ["Arithmetic", "계산 과정"],
  start: ["Choose a pixel of a layer to see how it was computed.", "층의 픽셀을 고르면 계산 과정을 볼 수 있습니다."],
  back: ["Back", "뒤로"],
  close: ["Close", "닫기"],
  place: ["row {0}, column {1}, map {2}", "행 {0}, 열 {1}, 맵 {2}"],
  number: ["number {0}", "{0}번째 값"],
  unit: ["unit {0}", "유닛 {0}"],
  before: ["before {0}", "{0} 이전"],
  fromImage: ["This number comes from the image.", "이미지에서 온 값입니다."],
  window: ["window", "윈도"],
  kernel: ["kernel", "커널"],
  products: ["products", "곱"],
  channel: ["channel {0}, sum {1}", "채널 {0}, 합 {1}"],
  moreChannels: ["Show the other {0} channels", "나머지 채널 {0}개 보기"],
  otherChannels: ["The other {0} channels together", "나머지 채널 {0}개의 합"],
  sum: ["sum", "합"],
  bias: ["bias", "편향"],
  result: ["result", "결과"],
  rest: ["The other {0} together", "나머지 {0}개의 합"],
  weight: ["weight", "가중치"],
  product: ["product", "곱"],
  share: ["exp(x − {0})", "exp(x − {0})"],
  wins: ["The largest number wins; its place gets the gradient.", "가장 큰 값이 이기고, 그 자리가 기울기를 받습니다."],
  means: ["The sum of {0} numbers, divided by {0}.", "값 {0}개의 합을 {0}으로 나눕니다."],
  outside: ["outside the image", "이미지 밖"],
  equation: ["Equation", "식"],
  definition: ["The same in {0}", "{0}의 같은 계산"],
  whereTo: ["dL/d(this number): the outputs it went to", "dL/d(이 값): 이 값이 들어간 출력들"],
  wentTo: ["output", "출력"],
  upstream: ["dL/d(output)", "dL/d(출력)"],
  factor: ["slope or weight", "미분 또는 가중치"],
  atLoss: [
    "The loss reads this output. Its derivative is where the gradients begin.",
    "손실이 이 출력을 읽습니다. 손실의 미분에서 기울기가 시작됩니다.",
  ],
  joined: [
    "Softmax or sigmoid and cross-entropy together: dL/d(logit) = p − t = {0} − {1}",
    "소프트맥스나 시그모이드와 교차 엔트로피를 합친 미분: dL/d(로짓) = p − t = {0} − {1}",
  ],
  positions: ["dL/dw: the positions where this weight was used", "dL/dw: 이 가중치가 쓰인 위치들"],
  met: ["x there", "그 위치의 x"],
  optimizer: ["{0}: the next step, if it saw only this image", "{0}: 이 이미지만 볼 때의 다음 스텝"],
  fresh: ["Its moments are not in this page: m and v begin at 0.", "모멘트가 이 페이지에 없습니다. m과 v는 0에서 시작합니다."],
  edit: ["Another number", "다른 값"],
  apply: ["Compute with it", "이 값으로 계산"],
  undo: ["Undo all edited weights ({0})", "바꾼 가중치 되돌리기 ({0})"],
  below: ["Below the equation: matrix product, registers, GPU", "식 아래: 행렬 곱, 레지스터, GPU"],
  im2col: [
    "This pixel is row {0} of {1} in im2col. The row has {2} numbers, one for each tap. Times column {3} of {4} of the kernel it gives this output.",
    "이 픽셀은 im2col의 {1}개 행 가운데 {0}번 행입니다. 행에는 탭마다 하나씩 수 {2}개가 있습니다. 커널의 {4}개 열 가운데 {3}번 열과 곱하면 이 출력이 됩니다.",
  ],
  output: ["output", "출력"],
  tile: ["Register tile on the CPU", "CPU의 레지스터 타일"],
  tileRows: [
    "One call of the microkernel computes rows {0} to {1} and columns {2} to {3}: its tile has {4} rows and {5} columns of sums, all in registers.",
    "마이크로커널 한 번의 호출이 {0}~{1}번 행과 {2}~{3}번 열을 계산합니다. 타일에는 합이 {4}행 {5}열 있고, 모두 레지스터에 있습니다.",
  ],
  task: [
    "The variant tiled.py makes one task of each image: this is task {0}. Threads that share the tasks: {1}.",
    "tiled.py는 이미지마다 작업 하나를 만듭니다. 이것은 {0}번 작업이고, 스레드 {1}개가 작업을 나눕니다.",
  ],
  moreTaps: ["and {0} more taps", "그 밖의 탭 {0}개"],
  gpu: [
    "Version v2 of the GPU's matrix product computes it in block ({0}, {1}), in thread ({2}, {3}) of {4} × {4} threads.",
    "GPU 행렬 곱의 v2에서는 블록 ({0}, {1})의 {4} × {4} 스레드 가운데 스레드 ({2}, {3})이 계산합니다.",
  ],
  shared: [
    "In shared memory it reads numbers {0} to {1} of a_tile, and of b_tile one number in {3}, beginning with number {2}.",
    "공유 메모리에서는 a_tile의 {0}~{1}번 수를 읽고, b_tile에서는 {2}번부터 {3}칸마다 하나씩 읽습니다.",
  ],
  legendSigned: ["both signs", "부호 있는 값"],
  legendPositive: ["never negative", "음수가 아닌 값"],
  legend: ["Colours", "색"],
};

let column = 0;

// The text `key` in the chosen language.
export function t(key, ...values) {
  return strings[key][column].replace(/\{(\d)\}/g, (_, i) => values[i]);
}

export function language() {
  return ["en", "ko"][column];
}

export function switchLanguage() {
  column = 1 - column;
}
