// The networks, beside the page so that it stays smooth: messages {id, act, ...} in, {id, ...} out, one after the other.
import * as ort from './ort.wasm.min.mjs';
import { Detector } from './detector.js';
import { Lifter, Stream } from './lifter.js';

ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
ort.env.wasm.wasmPaths = new URL('./', import.meta.url).href;
ort.env.logLevel = 'error';

let facts, lifter, detector, stream;

/** A network of a file: `run(array, dims)` gives its outputs by name. */
async function open(file, input) {
  const session = await ort.InferenceSession.create(new URL(file, import.meta.url).href, { executionProviders: ['wasm'] });
  return async (array, dims) => {
    const outputs = await session.run({ [input]: new ort.Tensor('float32', array, dims) });
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
  };
}

const acts = {
  /** Loads the lifter; gives the facts of the folder. */
  async open() {
    facts = await (await fetch('facts.json')).json();
    const run = await open(facts.files.lifter, 'inputs');
    lifter = new Lifter(facts, async (array, dims) => (await run(array, dims)).poses);
    return { facts, threads: ort.env.wasm.numThreads };
  },

  /** Begins a film or camera: the detector's networks are loaded at the first. */
  async begin({ network, size }) {
    if (detector?.kind !== network) {
      const [find, place] = [detector?.networks.find ?? await open(facts.files.detector, 'image'), await open(facts.files[network], 'image')];
      detector = Object.assign(new Detector(facts.detector, { find, place }), { kind: network });
    }
    detector.forget();
    stream = new Stream(lifter, facts.detector.skeleton, size);
    return {};
  },

  /** A frame: the joints of the person, and the pose as it is known by now. */
  async frame({ image, time }) {
    const joints = await detector.step(image, time);
    image.close();
    return { joints, pose: joints && await stream.add(time, joints) };
  },

  /** Keypoints of a whole film to poses. */
  async lift({ id, table }) {
    return { poses: await lifter.lift(table, { progress: (part) => postMessage({ id, part }) }) };
  },
};

let before = Promise.resolve();
onmessage = ({ data }) => {
  before = before.then(() => acts[data.act](data)).then(
    (result) => postMessage({ id: data.id, ...result }),
    (error) => postMessage({ id: data.id, error: error.message ?? String(error) }),
  );
};
