// The page's program: the scene, time, views, words over the scene, buttons.
import * as THREE from 'three';
import { OrbitControls } from 'three/controls';
import { Person, Stance, colour, makeFloor, placePersons, setAside } from 'figures';
import { Film, FilmView, Frustum } from 'film';
import { Curves } from 'curves';

const $ = (id) => document.getElementById(id);
const data = JSON.parse($('data').textContent);

// ---- the scene -------------------------------------------------------------------------------------------------

const pressed = (id) => $(id).getAttribute('aria-pressed') === 'true';
const stance = new Stance(data.camera?.world);
const persons = data.tracks.map((track) => new Person(track, data, stance));
const box = placePersons(persons);
if (data.results.length > 1 && persons[0].root) {
  setAside(persons, box);
  box.max.x += Math.max(...persons.map((person) => person.aside.x));
}
for (const person of persons) person.dress(data);
const ball = box.getBoundingSphere(new THREE.Sphere());
ball.radius = Math.max(ball.radius, 0.1);
const cell = 0.5 * 2 ** Math.max(Math.ceil(Math.log2(ball.radius / 4)), 0);

let renderer;
try {
  renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
} catch (error) {
  document.body.insertAdjacentHTML('beforeend', '<p class="notice">This browser has no WebGL, which the 3D view needs.</p>');
  throw error;
}
renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
renderer.setClearColor(0x000000, 0); // the film lies behind
renderer.shadowMap.enabled = true;
renderer.shadowMap.type = THREE.PCFShadowMap;
$('stage').append(renderer.domElement);

const scene = new THREE.Scene();
const camera = new THREE.PerspectiveCamera(30, 1, ball.radius / 50, ball.radius * 60);
const controls = new OrbitControls(camera, renderer.domElement);
controls.enableDamping = true;
controls.maxPolarAngle = Math.PI * 0.56;
controls.minDistance = ball.radius * 0.4;
controls.maxDistance = ball.radius * 14;

const sun = new THREE.DirectionalLight(0xffffff, 1.7);
sun.position.set(-0.5, 2.2, 0.8).multiplyScalar(ball.radius * 2).add(ball.center);
sun.target.position.copy(ball.center);
sun.castShadow = true;
sun.shadow.mapSize.set(1024, 1024);
sun.shadow.radius = 4;
sun.shadow.bias = -0.0005;
Object.assign(sun.shadow.camera, {
  left: -ball.radius * 1.3, right: ball.radius * 1.3, top: ball.radius * 1.3, bottom: -ball.radius * 1.3,
  near: ball.radius * 0.5, far: ball.radius * 9,
});
const floor = makeFloor(Math.max(ball.radius * 3.2, 2), cell);
floor.place(ball.center);
const lamp = new THREE.DirectionalLight(0xffffff, 0.9); // at the viewer's shoulder, so that no side is black
lamp.position.set(0.4, 0.5, 1);
camera.add(lamp);
scene.add(new THREE.HemisphereLight(0xffffff, 0xb9c3d4, 1.6), sun, sun.target, camera, floor);
for (const person of persons) scene.add(...person.things.map((thing) => thing.group));

const video = $('film');
const film = data.film ? new Film(data.film, data.fps, video, () => { dirty = true; }) : null;
const filmView = data.camera && persons[0].root ? new FilmView(data.camera, stance, persons[0].shift) : null;
const frustum = filmView && new Frustum(data.camera, stance, persons[0].shift, film);
if (frustum) scene.add(frustum.group);
const filmed = () => filmView !== null && pressed('filmed');
const eye = () => (filmed() ? filmView.camera : camera);

// ---- time ------------------------------------------------------------------------------------------------------

const first = data.tracks.reduce((least, { frames }) => Math.min(least, frames[0]), Infinity);
const last = data.tracks.reduce((most, { frames }) => Math.max(most, frames.at(-1)), -Infinity);
let time = first, playing = false, dirty = true, before = null, anchor = null;

/** Goes to a frame; a film that plays goes on by itself. */
function seek(to) {
  time = Math.min(Math.max(to, first), last);
  film?.seek(time);
  dirty = true;
}

function play(on) {
  playing = on && last > first;
  if (!playing) film?.pause();
  if (!playing) seek(Math.round(time));
  else if (time >= last) seek(first);
  before = null;
  if (playing) film?.play(time, Number($('speed').value));
  $('play').classList.toggle('playing', playing);
  $('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
}

function advance(now) {
  const passed = before === null ? 0 : Math.min((now - before) / 1000, 0.25);
  before = now;
  const byFilm = film?.ready && (!video.paused || video.ended) && time <= film.last; // then the film is the clock
  const to = byFilm ? Math.max(film.frame, first) : time + passed * data.fps * Number($('speed').value);
  const over = to >= last || (byFilm && video.ended && film.last >= last);
  if (!over) {
    dirty ||= to !== time;
    time = to;
  } else if (pressed('loop')) {
    seek(first);
    film?.play(first, Number($('speed').value));
  } else {
    play(false);
    seek(last);
  }
}

function follow() {
  const person = persons.find((p) => p.shown && p.root && p.visible);
  const place = person && pressed('follow') && !filmed() ? person.origin(time).setY(0) : null;
  if (place && anchor) {
    const step = place.clone().sub(anchor);
    camera.position.add(step);
    controls.target.add(step);
  }
  anchor = place;
}

function resetView() {
  controls.enableDamping = false; // or a turn that has not ended yet would go on from the first view
  controls.update();
  controls.enableDamping = true;
  const person = persons.find((p) => p.visible && p.root);
  anchor = person && pressed('follow') ? person.origin(time).setY(0) : null;
  const size = box.getSize(new THREE.Vector3());
  const { side, tall } = anchor ? person.reach() : { side: Math.hypot(size.x, size.z) / 2, tall: size.y };
  const slope = Math.tan(THREE.MathUtils.degToRad(camera.fov / 2));
  const distance = Math.max(tall / 2 / slope / 0.66, side / slope / camera.aspect / 0.9, 0.2) + side;
  const azimuth = persons.length > 1 && !persons[0].root ? -12 : -35;
  filmView?.reset();
  controls.target.copy(anchor ?? box.getCenter(new THREE.Vector3())).setY(tall / 2);
  camera.position
    .setFromSphericalCoords(distance, THREE.MathUtils.degToRad(78), THREE.MathUtils.degToRad(azimuth))
    .add(controls.target);
  fitFilm();
}

/** Lays the film and its lens over the window, where the view is the film's. */
function fitFilm() {
  dirty = true;
  video.hidden = !film || !filmed();
  $('picture').hidden = !filmed() || Boolean(film);
  controls.enabled = !filmed();
  if (!filmed()) return;
  const size = filmView.fit(innerWidth, innerHeight, free(), ball.radius / 50, ball.radius * 60);
  for (const [key, value] of Object.entries(size)) for (const thing of [video, $('picture')]) thing.style[key] = `${value}px`;
}

const free = () => document.querySelector('footer').offsetHeight + 24;
const fingers = new Map(); // pointers that touch the film's view

function pinch() {
  const [a, b] = [...fingers.values()];
  return { far: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function dragFilm(event) {
  const held = fingers.get(event.pointerId);
  if (!held || !filmed()) return;
  const old = fingers.size === 2 ? pinch() : null;
  if (fingers.size === 1) filmView.drag(event.clientX - held.x, event.clientY - held.y);
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (old) filmView.zoomAt(old.x, old.y, pinch().far / old.far, innerWidth, innerHeight, free());
  fitFilm();
}

// ---- words over the scene --------------------------------------------------------------------------------------

function onScreen(point) {
  const seen = point.clone().project(eye());
  return { x: (seen.x + 1) / 2 * innerWidth, y: (1 - seen.y) / 2 * innerHeight, behind: seen.z > 1 };
}

const nameOf = ({ id, track }) => (data.results.length > 1 ? `${data.results[track.result]}: ${id}` : `person ${id}`);

function drawLabels() {
  const words = [];
  for (const person of persons.filter((p) => p.visible)) {
    const { points } = person.figure;
    if (pressed('names')) points.forEach((point, k) => words.push([point, person.skeleton.joints[k].replaceAll('_', ' '), '']));
    if (persons.length > 1) {
      const top = points.reduce((a, b) => (b.y > a.y ? b : a)).clone();
      top.y += data.thickness * 7;
      words.push([top, nameOf(person), 'person']);
    }
  }
  while ($('labels').children.length < words.length) $('labels').append(document.createElement('span'));
  [...$('labels').children].forEach((span, k) => {
    span.hidden = k >= words.length;
    if (span.hidden) return;
    const { x, y, behind } = onScreen(words[k][0]);
    span.hidden = behind;
    span.textContent = words[k][1];
    span.className = words[k][2];
    span.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(${words[k][2] ? '-50%' : '8px'}, -50%)`;
  });
}

function pointAt(event) {
  let best = { far: event.pointerType === 'touch' ? 26 : 15 };
  for (const person of event.buttons && event.pointerType !== 'touch' ? [] : persons.filter((p) => p.visible)) {
    person.figure.points.forEach((point, k) => {
      const { x, y } = onScreen(point), far = Math.hypot(x - event.clientX, y - event.clientY);
      if (far < best.far) best = { far, x, y, k, person };
    });
  }
  $('tip').hidden = !best.person;
  if (!best.person) return;
  const values = best.person.pose.at(time).subarray(3 * best.k, 3 * best.k + 3);
  const name = document.createElement('b');
  name.textContent = best.person.skeleton.joints[best.k].replaceAll('_', ' ');
  $('tip').replaceChildren(name, '\n' + ['x', 'y', 'z'].map((axis, i) => `${axis} ${values[i].toFixed(3)}`).join('  ') + ' m');
  $('tip').style.transform = `translate(${Math.min(best.x + 16, innerWidth - 190)}px, ${best.y + 14}px)`;
}

function drawFlat() {
  const shown = persons.filter((p) => p.visible && p.flat);
  $('flat').hidden = !shown.length || !pressed('inset') || filmed();
  if ($('flat').hidden) return;
  const canvas = $('flat').querySelector('canvas'), brush = canvas.getContext('2d');
  const [low, high] = data.window, size = [0, 1].map((i) => Math.max(high[i] - low[i], 1));
  const board = [480, Math.round(480 * Math.min(Math.max(size[1] / size[0], 0.6), 1.4))];
  [canvas.width, canvas.height] = board; // also wipes it
  const zoom = Math.min(board[0] / size[0], board[1] / size[1]) * 0.84;
  if (film?.ready && data.picture) {
    const corner = [0, 1].map((i) => (0 - (low[i] + high[i]) / 2) * zoom + board[i] / 2);
    brush.drawImage(video, ...corner, data.picture[0] * zoom, data.picture[1] * zoom);
  }
  brush.lineCap = 'round';
  brush.lineWidth = 7;
  for (const person of shown) {
    const values = person.flat.at(Math.round(time)) ?? [];
    const spot = (k) => [0, 1].map((i) => (values[2 * k + i] - (low[i] + high[i]) / 2) * zoom + board[i] / 2);
    data.skeleton_2d.edges.forEach(([a, b], k) => { // a missing keypoint is NaN, and NaN draws nothing
      brush.strokeStyle = colour(data.skeleton_2d.edgeSides[k]);
      brush.beginPath();
      brush.moveTo(...spot(a));
      brush.lineTo(...spot(b));
      brush.stroke();
    });
  }
}

// ---- buttons, keys, theme --------------------------------------------------------------------------------------

const dark = matchMedia('(prefers-color-scheme: dark)');
const has = (name) => data.tracks.some((track) => track[name]);
$('truth').hidden = !has('truth_3d');
$('inset').hidden = !has('keypoints_2d');
$('body').hidden = !has('mesh');
$('follow').hidden = !has('root_3d');
$('trails').hidden = !has('root_3d');
$('steps').hidden = !has('contacts');
$('doubt').hidden = !has('uncertainty');
$('filmed').hidden = $('camera').hidden = filmView === null;
$('filmed').setAttribute('aria-pressed', film !== null);
const curves = new Curves($('curves'), first, last, persons[0].skeleton.joints);
for (const name of curves.names) $('angle').append(new Option(name, name));
$('angles').hidden = !curves.names.length;

function paintCurves() {
  $('graph').hidden = !pressed('angles') || !curves.names.length;
  const person = persons.find((p) => p.shown) ?? persons[0];
  if (!$('graph').hidden) curves.paint(person, $('angle').value);
  resize();
}

function drawCurves() {
  if ($('graph').hidden) return;
  const angles = curves.draw(time);
  $('degrees').textContent = angles ? `left ${angles[0].toFixed(0)}°, right ${angles[1].toFixed(0)}°` : '';
}

$('scrub').min = first;
$('scrub').max = last;
$('metadata').textContent = `${data.metadata} · floor grid ${cell} m`;
$('follow').setAttribute('aria-pressed', persons.length === 1);
for (const [name, text] of [['left', 'left'], ['right', 'right'], ['centre', 'centre'], ['truth', 'ground truth']]) {
  if (name === 'truth' && !has('truth_3d')) continue;
  const item = document.createElement('li');
  item.textContent = text;
  item.style.setProperty('--colour', `var(--${name})`);
  $('legend').append(item);
}

function toggle(button, then = () => {}) {
  button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') !== 'true');
    then(button.getAttribute('aria-pressed') === 'true');
    dirty = true;
  });
}
for (const id of ['loop', 'names', 'truth', 'body', 'inset', 'follow', 'trails', 'steps', 'doubt', 'camera']) toggle($(id));
toggle($('filmed'), () => { fitFilm(); floor.paint(dark.matches); });
toggle($('angles'), paintCurves);
$('angle').addEventListener('change', paintCurves);
$('speed').addEventListener('change', () => { video.playbackRate = Number($('speed').value); });
for (const person of persons.length > 1 ? persons : []) {
  const button = document.createElement('button');
  button.className = 'toggle';
  button.textContent = nameOf(person);
  button.setAttribute('aria-pressed', 'true');
  toggle(button, (on) => { person.shown = on; paintCurves(); });
  $('persons').append(button);
}
$('play').addEventListener('click', () => play(!playing));
$('reset').addEventListener('click', resetView);
$('scrub').addEventListener('input', () => { play(false); seek(Number($('scrub').value)); });
renderer.domElement.addEventListener('pointermove', pointAt);
renderer.domElement.addEventListener('pointermove', dragFilm);
renderer.domElement.addEventListener('pointerdown', (event) => fingers.set(event.pointerId, { x: event.clientX, y: event.clientY }));
for (const end of ['pointerup', 'pointercancel']) addEventListener(end, (event) => fingers.delete(event.pointerId));
renderer.domElement.addEventListener('wheel', (event) => {
  if (!filmed()) return;
  event.preventDefault();
  filmView.zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY / 500), innerWidth, innerHeight, free());
  fitFilm();
}, { passive: false });
renderer.domElement.addEventListener('pointerdown', pointAt);
renderer.domElement.addEventListener('pointerleave', () => { $('tip').hidden = true; });
controls.addEventListener('change', () => { dirty = true; });

addEventListener('pointerup', () => document.activeElement.blur?.()); // after a click, space plays again

const step = (by) => { play(false); seek(Math.round(time) + by); };
const keys = {
  ' ': () => play(!playing),
  arrowleft: (event) => step(event.shiftKey ? -10 : -1),
  arrowright: (event) => step(event.shiftKey ? 10 : 1),
  home: () => seek(first),
  end: () => seek(last),
  l: () => $('loop').click(),
  n: () => $('names').click(),
  g: () => $('truth').click(),
  b: () => $('body').click(),
  k: () => $('inset').click(),
  f: () => $('follow').click(),
  r: resetView,
  v: () => $('filmed').click(),
  t: () => $('trails').click(),
  s: () => $('steps').click(),
  u: () => $('doubt').click(),
  c: () => $('camera').click(),
  a: () => $('angles').click(),
  '[': () => changeSpeed(-1),
  ']': () => changeSpeed(1),
  '?': () => { $('keys').hidden = !$('keys').hidden; },
  escape: () => { $('keys').hidden = true; },
};

function changeSpeed(by) {
  const { options, selectedIndex } = $('speed');
  $('speed').selectedIndex = Math.min(Math.max(selectedIndex + by, 0), options.length - 1);
  $('speed').dispatchEvent(new Event('change'));
}

const hints = [...document.querySelectorAll('[title]')].filter((thing) => !thing.hidden && /\(.\)|space|arrow/.test(thing.title)).map((thing) => thing.title);
for (const hint of [...hints, 'Slower, faster ([ and ])', 'Start, end (home and end)', 'These lines (?)']) {
  const line = document.createElement('li');
  line.textContent = hint;
  $('keys').append(line);
}

addEventListener('keydown', (event) => {
  const act = keys[event.key.toLowerCase()];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'SELECT') return;
  if (event.key === ' ' && event.target.tagName === 'BUTTON') return; // the button that has the focus acts
  event.preventDefault();
  act(event);
});

function paint() {
  floor.paint(dark.matches);
  frustum?.paint(colour('muted'));
  for (const person of persons) for (const thing of person.things) thing.paint();
  paintCurves();
}

function resize() {
  renderer.setSize(innerWidth, innerHeight);
  camera.aspect = innerWidth / innerHeight;
  // the middle of the picture lies between the words above and the bar below
  camera.setViewOffset(innerWidth, innerHeight, 0, document.querySelector('footer').offsetHeight * 0.45, innerWidth, innerHeight);
  fitFilm();
}

const ON = ['truth', 'body', 'trails', 'steps', 'doubt'];
const wanted = () => ({ ...Object.fromEntries(ON.map((id) => [id, pressed(id)])), aside: !filmed() });

function frame(now) {
  requestAnimationFrame(frame);
  if (playing) advance(now);
  controls.update();
  if (!dirty) return;
  dirty = false;
  const on = wanted();
  for (const person of persons) person.update(time, on);
  if (frustum) frustum.group.visible = !filmed() && pressed('camera');
  follow();
  renderer.render(scene, eye()); // before the words: it brings the camera's matrices up to date
  drawLabels();
  drawFlat();
  drawCurves();
  $('scrub').value = Math.round(time);
  $('time').textContent = `${((time - first) / data.fps).toFixed(2)} s · frame ${Math.round(time)} / ${last}`;
}

dark.addEventListener('change', paint);
addEventListener('resize', paintCurves);
for (const person of persons) person.update(time, wanted());
paint();
resetView();
seek(first);
requestAnimationFrame(frame);
