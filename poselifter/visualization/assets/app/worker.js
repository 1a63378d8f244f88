// The networks, beside the page so that it stays smooth: messages {id, act, ...} in, {id, ...} out, one after the other.
import * as ort from './ort.wasm.min.mjs';
import { Detector } from './detector.js';
import { Lifter, Stream } from './lifter.js';

ort.env.wasm.numThreads = 1; // more need a page that is isolated from others, which not every server can give
ort.env.wasm.wasmPaths = new URL('./', import.meta.url).href;
ort.env.logLevel = 'error';

let facts, lifter, detector, stream, lifted = -Infinity; // when the last pose was lifted

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
    return { facts };
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

  /** A frame, the video's pixels being `zoom` times as many: the joints of the person, and the pose as it is known by now unless one was lifted `every` seconds before. */
  async frame({ image, zoom, time, every }) {
    const joints = (await detector.step(image, time))?.map(([x, y, score]) => [x * zoom, y * zoom, score]) ?? null;
    const moment = performance.now() / 1000;
    const seen = stream.add(time, joints);
    if (seen && moment - lifted < every) return { joints };
    lifted = moment;
    return { joints, pose: seen ? await stream.pose() : null };
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
