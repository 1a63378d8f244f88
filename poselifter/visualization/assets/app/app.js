// The application: a film or the camera on the left, the body on the right; nothing leaves the machine.
import { Stage, drawBones } from 'stage';
import { usualRate } from './lifter.js';

const $ = (id) => document.getElementById(id);
const say = (text) => { $('metadata').textContent = text; };
const video = $('video'), waiting = new Map();
const reader = document.createElement('canvas').getContext('2d', { willReadFrequently: true }), WIDEST = 1280;
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
let worker, stage, facts, by, asked = 0, run = 0; // by what networks are computed; number of the film or camera that is shown
let film = null; // what was seen in a whole film: table for the lifter, poses

/** Why this browser cannot run the application, or nothing. */
function lacks() {
  if (!globalThis.WebAssembly?.validate(new Uint8Array(SIMD))) return 'WebAssembly with SIMD';
  if (!video.requestVideoFrameCallback) return 'requestVideoFrameCallback of films';
  return null;
}

/** Asks the worker for something; `progress` is called with the part that is done. */
function ask(act, content = {}, transfer = [], progress = () => {}) {
  return new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject, progress });
    worker.postMessage({ id: asked, act, ...content }, transfer);
  });
}

function answer({ data: { id, part, error, ...result } }) {
  const { resolve, reject, progress } = waiting.get(id);
  if (part !== undefined) return progress(part);
  waiting.delete(id);
  return error === undefined ? resolve(result) : reject(new Error(error));
}

/** The video's picture, WIDEST pixels wide or less, and how much larger the video is. */
function picture() {
  const { videoWidth: width, videoHeight: height } = video, zoom = Math.max(Math.max(width, height) / WIDEST, 1);
  const canvas = reader.canvas, size = [width, height].map((side) => Math.round(side / zoom));
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  reader.drawImage(video, 0, 0, ...size);
  const { data } = reader.getImageData(0, 0, ...size);
  return { image: { data, width: size[0], height: size[1] }, zoom: width / size[0] };
}

/** The video's next frame from a time on, as {time, image, zoom}, or null at its end; a film stands still then. */
function nextFrame(live, earliest) {
  if (video.ended) return null;
  return new Promise((resolve) => {
    const ended = () => resolve(null);
    const look = (now, { mediaTime }) => {
      if (!live && mediaTime < earliest) return video.requestVideoFrameCallback(look);
      video.removeEventListener('ended', ended);
      if (!live) video.pause();
      return resolve({ time: live ? now / 1000 : mediaTime, ...picture() });
    };
    video.addEventListener('ended', ended, { once: true });
    video.requestVideoFrameCallback(look);
    video.play().catch(() => {}); // a pause of the user's
  });
}

/** Shows joints [x, y, score] over the video, and a pose of [x, y, z] a joint, or nobody; the pose stays where it is undefined. */
function show(joints, pose) {
  const canvas = $('bones');
  if (canvas.width !== video.videoWidth) canvas.width = video.videoWidth;
  if (canvas.height !== video.videoHeight) canvas.height = video.videoHeight;
  const brush = canvas.getContext('2d');
  brush.clearRect(0, 0, canvas.width, canvas.height);
  if (joints) drawBones(brush, joints, facts.skeleton_2d, 1);
  if (pose !== undefined) stage.stand(pose ? [{ id: 0, pose }] : [], facts.skeleton_3d);
}

/** Ends what is shown, and shows another source: a file, or the stream of a camera. Returns its number. */
async function begin(source) {
  const number = ++run;
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  if (video.src) URL.revokeObjectURL(video.src);
  film = null;
  video.removeAttribute('src');
  [video.srcObject, video.loop] = [null, false];
  for (const id of ['bar', 'save', 'hint']) $(id).hidden = true;
  stage.resize();
  const live = source instanceof MediaStream;
  video.classList.toggle('camera', live);
  $('camera').setAttribute('aria-pressed', live);
  $('network').disabled = true;
  say('loading the networks');
  const loaded = new Promise((resolve, reject) => {
    video.onloadeddata = resolve;
    video.onerror = () => reject(new Error('this browser cannot show that film; convert it to MP4 with H.264, or to WebM'));
  });
  if (live) video.srcObject = source;
  else video.src = URL.createObjectURL(source);
  if (live) video.play().catch(() => {});
  await loaded;
  ({ by } = await ask('begin', { network: $('network').value, size: [video.videoWidth, video.videoHeight] }));
  return number;
}

/** How fast a film plays while it is read: slower where it went on before it could be stopped, else faster. */
class Pace {
  /** A pace for a model that needs a frame in `enough` seconds. */
  constructor(enough) {
    Object.assign(this, { enough, usual: enough, limit: 4, rate: 0.25, tries: 0 }); // `usual`: seconds between frames
  }

  /** Whether to look again: a step from frame to frame, in seconds of the film, left some out that it may have. */
  missed(step) {
    const missed = step > 1.6 * this.usual;
    this.limit = missed ? 0.7 * this.rate : Math.min(1.1 * this.limit, 4);
    this.rate = Math.max(missed ? this.rate / 2 : Math.min(this.rate * 1.15, this.limit), 0.0625);
    if (missed && this.tries++ < 2) return true;
    this.usual = missed ? step : Math.min(this.usual, Math.max(step, this.enough));
    this.tries = 0;
    return false;
  }
}

/** Follows the person through a source; gives the times and joints of all frames in which one was seen. */
async function follow(number, live) {
  const times = [], keypoints = [], moments = [], enough = 1 / (facts.model.fps || 30), pace = new Pace(enough);
  let count = 0, last = -enough, first = 0;
  video.playbackRate = live ? 1 : pace.rate;
  if (!live) video.currentTime = 0; // its first frame was shown before anybody looked
  const next = () => nextFrame(live, last + 0.7 * enough); // the lifter sees no more
  for (let frame = await next(); frame && run === number; frame = await next()) {
    const { time, image, zoom } = frame;
    if (!live) {
      const missed = pace.missed(time - last);
      video.playbackRate = pace.rate;
      if (missed) {
        video.currentTime = last + pace.usual;
        continue;
      }
    }
    last = time;
    const { joints, pose } = await ask('frame', { image, zoom, time, every: live ? 0 : 0.1 }, [image.data.buffer]);
    if (run !== number) break;
    show(joints, pose && rowsOf(pose));
    if (joints && !live) {
      times.push(time);
      keypoints.push(joints);
    }
    moments.push(performance.now());
    if (!count++) [first] = moments; // which took longer: the networks warm up
    while (moments.length > 2 && moments.at(-1) - moments[0] > 1000) moments.shift();
    const rate = moments.length > 1 ? (1000 * (moments.length - 1)) / (moments.at(-1) - moments[0]) : 0;
    const part = live ? '' : ` · ${Math.round((100 * time) / video.duration)} %`;
    say(`${rate.toFixed(0)} frames a second${part} · ${by}${joints ? '' : ' · nobody is seen'}`);
  }
  return { times, keypoints, count, rate: (1000 * (count - 1)) / (performance.now() - first) };
}

const rowsOf = (values) => Array.from({ length: values.length / 3 }, (_, k) => values.slice(3 * k, 3 * k + 3));

async function openFilm(file) {
  const number = await begin(file), size = [video.videoWidth, video.videoHeight];
  const { times, keypoints, count, rate } = await follow(number, false);
  if (run !== number) return;
  if (!times.length) throw new Error('nobody was seen in that film; is a person whole in it, and large enough?');
  const table = { skeleton: facts.detector.skeleton, size, fps: usualRate(times) ?? (facts.model.fps || 30), times, keypoints };
  const { poses } = await ask('lift', { table }, [], (part) => say(`lifting · ${Math.round(100 * part)} %`));
  if (run !== number) return;
  const joints = facts.skeleton_3d.joints.length;
  film = { table, poses: times.map((_, row) => rowsOf(poses.slice(3 * joints * row, 3 * joints * (row + 1)))), name: file.name };
  for (const id of ['bar', 'save']) $(id).hidden = false;
  stage.resize();
  $('network').disabled = false;
  $('scrub').max = video.duration;
  say(`${count} frames, ${rate.toFixed(1)} a second · ${by}`);
  [video.loop, video.playbackRate] = [true, 1];
  replay(number);
  video.currentTime = 0;
  await video.play().catch(() => {});
}

/** Shows what was lifted in step with the film. */
function replay(number) {
  if (run !== number) return;
  video.requestVideoFrameCallback((now, { mediaTime }) => {
    if (run !== number) return;
    const { times, keypoints, fps } = film.table;
    const row = times.findIndex((time) => Math.abs(time - mediaTime) < 0.6 / fps);
    show(keypoints[row], film.poses[row]);
    $('scrub').value = mediaTime;
    $('time').textContent = `${mediaTime.toFixed(2)} / ${video.duration.toFixed(2)} s`;
    replay(number);
  });
}

async function openCamera() {
  if ($('camera').getAttribute('aria-pressed') === 'true') return stop();
  if (!navigator.mediaDevices) throw new Error('a camera needs this page by https, or from 127.0.0.1');
  say('waiting for the camera');
  const number = await begin(await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } }));
  return follow(number, true);
}

function stop() {
  run++;
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  video.classList.remove('camera');
  $('camera').setAttribute('aria-pressed', false);
  $('hint').hidden = $('network').disabled = false;
  show(null, null);
  say('ready');
}

/** Keypoints as MMPose's demos write them, which `poselifter lift` reads, with the poses beside them. */
function save() {
  const { table: { skeleton, size, fps, times, keypoints }, poses, name } = film, { name: set, joints } = facts.skeleton_3d;
  const names = Object.fromEntries(facts.skeleton_2d.joints.map((joint, k) => [k, joint]));
  const meta = { dataset_name: skeleton, keypoint_id2name: names, fps, img_shape: size.toReversed(), skeleton_3d: set, joints_3d: joints };
  const frames = times.map((time, row) => ({
    frame_id: Math.round(time * fps) + 1,
    instances: [{ track_id: 0, keypoints: keypoints[row].map(([x, y]) => [x, y]), keypoint_scores: keypoints[row].map((joint) => joint[2]), keypoints_3d: poses[row] }],
  }));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ meta_info: meta, instance_info: frames })], { type: 'application/json' }));
  link.download = `${name.replace(/\.\w+$/, '')}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Runs what a button stands for; what goes wrong is said. */
const tried = (act) => (...given) => act(...given).catch((error) => {
  stop();
  say(error.message);
});

async function start() {
  const lacking = lacks();
  if (lacking) return say(`This browser lacks ${lacking}; take a newer Chrome, Edge, Firefox or Safari.`);
  stage = new Stage($('stage'));
  worker = new Worker(new URL(`worker.js${location.hash}`, import.meta.url), { type: 'module' });
  worker.onmessage = answer;
  worker.onerror = (event) => say(`the networks cannot be loaded (${event.message ?? 'the folder is not whole'})`);
  ({ facts, by } = await ask('open'));
  const opened = tried(openFilm), files = (list) => list.length && opened(list[0]);
  $('open').addEventListener('click', () => { $('file').value = ''; $('file').click(); }); // the same film again is a change, too
  $('file').addEventListener('change', () => { files($('file').files); });
  $('camera').addEventListener('click', tried(openCamera));
  $('save').addEventListener('click', save);
  $('play').addEventListener('click', () => (video.paused ? video.play() : video.pause()));
  $('scrub').addEventListener('input', () => { video.pause(); video.currentTime = Number($('scrub').value); });
  for (const name of ['play', 'pause']) video.addEventListener(name, () => $('play').classList.toggle('playing', !video.paused));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => { event.preventDefault(); files(event.dataTransfer.files); });
  for (const id of ['open', 'camera']) $(id).disabled = false;
  say(`ready · model ${facts.model.model} · ${by}`);
  globalThis.poselifter = { facts, ask, get film() { return film; } }; // for programs, and for tests
}

start().catch((error) => say(error.message));
