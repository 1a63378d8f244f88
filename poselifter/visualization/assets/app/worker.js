// The networks, beside the page so that it stays smooth: messages {id, act, ...} in, {id, ...} out, one after the other.
import { Detector } from './detector.js';
import { Lifter, Stream } from './lifter.js';

const WAYS = { wasm: 'WebAssembly', webgpu: 'WebGPU' };
const only = new URLSearchParams(location.hash.slice(1)).get('run'); // one of WAYS; without it what is faster is taken
let ort, facts, lifter, detector, stream, lifted = -Infinity; // when the last pose was lifted
let order = ['wasm']; // of the ways that are tried
const ways = {}; // by what each network is computed

/** The runtime. That for WebGPU is larger and needs promises inside WebAssembly; it computes on the processor as well. */
async function load() {
  const gpu = only !== 'wasm' && WebAssembly.Suspending && await navigator.gpu?.requestAdapter().catch(() => null);
  ort = await import(gpu ? './ort.jspi.min.mjs' : './ort.wasm.min.mjs');
  ort.env.wasm.numThreads = 1; // more need a page that is isolated from others, which not every server can give
  ort.env.wasm.wasmPaths = new URL('./', import.meta.url).href;
  ort.env.logLevel = 'error';
  if (gpu) order = only ? ['webgpu', 'wasm'] : ['wasm', 'webgpu'];
}

/** A network of a file: `run(array, dims)` gives its outputs by name; `dims` are those of its usual input. */
async function open(name, input, usual) {
  const file = await (await fetch(facts.files[name])).arrayBuffer(), tried = [];
  const caller = (session) => async (array, dims) => {
    const outputs = await session.run({ [input]: new ort.Tensor('float32', array, dims) });
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
  };
  for (const way of order) {
    try {
      const session = await ort.InferenceSession.create(file, { executionProviders: [way], logSeverityLevel: 3 });
      const run = caller(session), clip = new Float32Array(usual.reduce((all, n) => all * n));
      let time = 0;
      for (let k = 0; k < 2 && order.length > 1 && way !== only; k++) { // the first warms up
        const start = performance.now();
        await run(clip, usual);
        time = performance.now() - start;
      }
      tried.push({ way, session, run, time });
      if (way === only) break;
    } catch (error) { // an adapter that lacks something
      if (way === 'wasm') throw error;
    }
  }
  const [best, ...others] = tried.sort((a, b) => a.time - b.time);
  for (const { session } of others) await session.release();
  ways[name] = WAYS[best.way];
  return best.run;
}

/** By what the networks that are used are computed, in words. */
function used(landmarks) {
  const [poses, keypoints] = [ways.lifter, ways[landmarks]];
  return keypoints && keypoints !== poses ? `keypoints by ${keypoints}, poses by ${poses}` : poses;
}

const acts = {
  /** Loads the lifter; gives the facts of the folder, and by what it is computed. */
  async open() {
    facts = await (await fetch('facts.json')).json();
    await load();
    lifter = new Lifter(facts, null);
    const { window } = facts.model, run = await open('lifter', 'inputs', [1, window.length, lifter.joints, facts.confidence ? 3 : 2]);
    lifter.run = async (array, dims) => (await run(array, dims)).poses;
    return { facts, by: used() };
  },

  /** Begins a film or camera: the detector's networks are loaded at the first. */
  async begin({ network, size }) {
    if (detector?.kind !== network) {
      const { side, crop } = facts.detector;
      const find = detector?.networks.find ?? await open('detector', 'image', [1, side, side, 3]);
      const place = await open(network, 'image', [1, crop, crop, 3]);
      detector = Object.assign(new Detector(facts.detector, { find, place }), { kind: network });
    }
    detector.forget();
    stream = new Stream(lifter, facts.detector.skeleton, size);
    return { by: used(network) };
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
