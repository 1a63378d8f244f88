// The live page: the picture with its keypoints on the left, the poses on the right, as events bring them.
import * as THREE from 'three';
import { OrbitControls } from 'three/controls';
import { Figure, Stance, colour, makeFloor } from 'figures';

const $ = (id) => document.getElementById(id);
const stance = new Stance(), dark = matchMedia('(prefers-color-scheme: dark)');
const renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
renderer.shadowMap.enabled = true;
$('stage').append(renderer.domElement);

const scene = new THREE.Scene(), camera = new THREE.PerspectiveCamera(30, 1, 0.05, 200);
const controls = new OrbitControls(camera, renderer.domElement);
controls.enableDamping = true;
controls.maxPolarAngle = Math.PI * 0.56;
controls.target.set(0, 0.9, 0);
camera.position.set(-2, 1.7, 5.2);
const sun = new THREE.DirectionalLight(0xffffff, 1.7), lamp = new THREE.DirectionalLight(0xffffff, 0.9);
sun.position.set(-2, 7, 3);
sun.castShadow = true;
lamp.position.set(0.4, 0.5, 1);
camera.add(lamp);
const floor = makeFloor(8, 0.5);
scene.add(new THREE.HemisphereLight(0xffffff, 0xb9c3d4, 1.6), sun, camera, floor);

let setup = null, middle = null, dirty = true, held = false; // held: the user has chosen a view
const figures = new Map(); // by id, as long as the person is seen

/** A figure whose pose is the newest. */
function figureOf(id) {
  if (!figures.has(id)) {
    const series = { pose: null, at: () => series.pose };
    const figure = new Figure(series, setup.skeleton_3d, 0.022, false, stance);
    figure.paint();
    scene.add(figure.group);
    figures.set(id, figure);
  }
  return figures.get(id);
}

function stand({ persons }) {
  const places = persons.filter((p) => p.pose).map((p) => ({ ...p, place: stance.apply(p.root ?? [0, 0, 0], 0, new THREE.Vector3()) }));
  const seen = new Set(places.map((p) => p.id));
  for (const [id, figure] of figures) {
    if (seen.has(id)) continue;
    scene.remove(figure.group);
    figures.delete(id);
  }
  if (!places.length) return;
  const centre = places.reduce((sum, p) => sum.add(p.place), new THREE.Vector3()).divideScalar(places.length);
  middle = middle ? middle.lerp(centre, 0.05) : centre; // the view follows slowly
  const wide = Math.max(...places.map(({ place }) => place.distanceTo(middle)));
  const away = camera.position.clone().sub(controls.target), far = 5.5 + 2.4 * wide;
  if (!held && away.length() < far) camera.position.copy(controls.target).add(away.setLength(away.length() * 0.8 + far * 0.2));
  for (const { id, pose, place } of places) {
    const figure = figureOf(id), values = pose.flat();
    figure.series.pose = values;
    const lowest = Math.max(...pose.map(([, y]) => y)); // y is down in camera axes; feet stand on the floor
    figure.update(0, place.sub(middle).setY(lowest));
  }
}

async function flat({ picture, persons, size }) {
  const canvas = $('picture2d'), brush = canvas.getContext('2d');
  const image = new Image();
  image.src = `data:image/jpeg;base64,${picture}`;
  await image.decode();
  [canvas.width, canvas.height] = [image.width, image.height];
  brush.drawImage(image, 0, 0);
  const zoom = image.width / size[0];
  brush.lineCap = 'round';
  brush.lineWidth = Math.max(image.width / 160, 2);
  for (const { id, keypoints, pose } of persons) {
    brush.globalAlpha = pose ? 1 : 0.35;
    setup.skeleton_2d.edges.forEach(([a, b], k) => {
      if (!(keypoints[a][2] > 0.3 && keypoints[b][2] > 0.3)) return;
      brush.strokeStyle = colour(setup.skeleton_2d.edgeSides[k]);
      brush.beginPath();
      brush.moveTo(keypoints[a][0] * zoom, keypoints[a][1] * zoom);
      brush.lineTo(keypoints[b][0] * zoom, keypoints[b][1] * zoom);
      brush.stroke();
    });
    const top = keypoints.reduce((best, point) => (point[2] > 0.3 && point[1] < best[1] ? point : best), [0, Infinity]);
    brush.font = `600 ${Math.round(image.width / 36)}px system-ui, sans-serif`;
    brush.fillStyle = '#fff';
    brush.shadowBlur = 4;
    brush.shadowColor = '#000';
    brush.fillText(`person ${id}`, top[0] * zoom - 30, top[1] * zoom - 14);
    brush.shadowBlur = 0;
  }
  brush.globalAlpha = 1;
}

const events = new EventSource('events');
let drawing = false;
events.addEventListener('setup', ({ data }) => { setup = JSON.parse(data); });
events.addEventListener('frame', async ({ data }) => {
  if (drawing) return; // what cannot be drawn in time is left out
  drawing = true;
  const frame = JSON.parse(data);
  stand(frame);
  await flat(frame).catch(() => {});
  $('metadata').textContent = frame.status;
  dirty = true;
  drawing = false;
});
events.addEventListener('end', ({ data }) => {
  events.close(); // or the browser would ask again and again
  $('metadata').textContent += ` · ${JSON.parse(data)}`;
});
events.addEventListener('error', () => { if (events.readyState !== EventSource.OPEN) $('metadata').textContent += ' · no connection'; });
controls.addEventListener('start', () => { held = true; });
controls.addEventListener('change', () => { dirty = true; });

function resize() {
  renderer.setSize(innerWidth, innerHeight);
  camera.aspect = innerWidth / innerHeight;
  // the picture covers the left half, or on a phone the upper one
  if (innerWidth > 620) camera.setViewOffset(innerWidth, innerHeight, -innerWidth * 0.24, 0, innerWidth, innerHeight);
  else camera.setViewOffset(innerWidth, innerHeight, 0, -innerHeight * 0.2, innerWidth, innerHeight);
  dirty = true;
}

function paint() {
  floor.paint(dark.matches);
  for (const figure of figures.values()) figure.paint();
  dirty = true;
}

function draw() {
  requestAnimationFrame(draw);
  controls.update();
  if (!dirty) return;
  dirty = false;
  renderer.render(scene, camera);
}

dark.addEventListener('change', paint);
addEventListener('resize', resize);
paint();
resize();
draw();
