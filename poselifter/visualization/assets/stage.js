// A floor on which persons stand as events bring them, and bones on a picture; of the live page and the application.
import * as THREE from 'three';
import { OrbitControls } from 'three/controls';
import { Figure, Stance, colour, makeFloor } from 'figures';

const stance = new Stance(), dark = matchMedia('(prefers-color-scheme: dark)');

export class Stage {
  constructor(element) {
    this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.shadowMap.enabled = true;
    element.append(this.renderer.domElement);
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(30, 1, 0.05, 200);
    this.controls = new OrbitControls(this.camera, this.renderer.domElement);
    this.controls.enableDamping = true;
    this.controls.maxPolarAngle = Math.PI * 0.56;
    this.controls.target.set(0, 0.9, 0);
    this.camera.position.set(-2, 1.7, 5.2);
    const sun = new THREE.DirectionalLight(0xffffff, 1.7), lamp = new THREE.DirectionalLight(0xffffff, 0.9);
    sun.position.set(-2, 7, 3);
    sun.castShadow = true;
    lamp.position.set(0.4, 0.5, 1);
    this.camera.add(lamp);
    this.floor = makeFloor(8, 0.5);
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0xb9c3d4, 1.6), sun, this.camera, this.floor);
    this.figures = new Map(); // by id, as long as the person is seen
    this.middle = null;
    this.dirty = true;
    this.held = false; // the user has chosen a view
    this.controls.addEventListener('start', () => { this.held = true; });
    this.controls.addEventListener('change', () => { this.dirty = true; });
    dark.addEventListener('change', () => this.paint());
    addEventListener('resize', () => this.resize());
    this.paint();
    this.resize();
    this.draw();
  }

  /** A figure whose pose is the newest. */
  figureOf(id, skeleton) {
    if (!this.figures.has(id)) {
      const series = { pose: null, at: () => series.pose };
      const figure = new Figure(series, skeleton, 0.022, false, stance);
      figure.paint();
      this.scene.add(figure.group);
      this.figures.set(id, figure);
    }
    return this.figures.get(id);
  }

  /** Stands the persons of a frame, of an id, a pose and perhaps a root each, on the floor; others are gone. */
  stand(persons, skeleton) {
    this.dirty = true;
    const places = persons.filter((p) => p.pose).map((p) => ({ ...p, place: stance.apply(p.root ?? [0, 0, 0], 0, new THREE.Vector3()) }));
    const seen = new Set(places.map((p) => p.id));
    for (const [id, figure] of this.figures) {
      if (seen.has(id)) continue;
      this.scene.remove(figure.group);
      this.figures.delete(id);
    }
    if (!places.length) return;
    const centre = places.reduce((sum, p) => sum.add(p.place), new THREE.Vector3()).divideScalar(places.length);
    this.middle = this.middle ? this.middle.lerp(centre, 0.05) : centre; // the view follows slowly
    const wide = Math.max(...places.map(({ place }) => place.distanceTo(this.middle)));
    const { camera, controls } = this, away = camera.position.clone().sub(controls.target), far = this.near + 2.4 * wide;
    if (!this.held && away.length() < far) camera.position.copy(controls.target).add(away.setLength(away.length() * 0.8 + far * 0.2));
    for (const { id, pose, place } of places) {
      const figure = this.figureOf(id, skeleton);
      figure.series.pose = pose.flat();
      const lowest = Math.max(...pose.map(([, y]) => y)); // y is down in camera axes; feet stand on the floor
      figure.update(0, place.sub(this.middle).setY(lowest));
    }
  }

  /** Looks so that a person fits beside the picture, or on a phone below it, and above the bar if there is one. */
  resize() {
    const { camera, controls } = this, phone = innerWidth <= 620, bar = document.querySelector('footer')?.offsetHeight ?? 0;
    const top = phone ? 0.38 * innerHeight + 80 : 0, room = Math.max(innerHeight - bar - top - 20, 80);
    const tall = Math.max((2 * innerHeight) / room, 2.95); // metres that the whole window shows
    this.near = tall / 2 / Math.tan((camera.fov * Math.PI) / 360);
    if (!this.held) camera.position.sub(controls.target).setLength(this.near).add(controls.target);
    this.renderer.setSize(innerWidth, innerHeight);
    camera.aspect = innerWidth / innerHeight;
    const aside = phone ? 0 : -innerWidth * 0.24, down = innerHeight / 2 - (top + room / 2);
    camera.setViewOffset(innerWidth, innerHeight, aside, down, innerWidth, innerHeight);
    this.dirty = true;
  }

  paint() {
    this.floor.paint(dark.matches);
    for (const figure of this.figures.values()) figure.paint();
    this.dirty = true;
  }

  draw() {
    requestAnimationFrame(() => this.draw());
    this.controls.update();
    if (!this.dirty) return;
    this.dirty = false;
    this.renderer.render(this.scene, this.camera);
  }
}

/** Draws the bones of keypoints [x, y, score] of a picture, `zoom` times as large. */
export function drawBones(brush, keypoints, skeleton, zoom) {
  brush.lineCap = 'round';
  brush.lineWidth = Math.max(brush.canvas.width / 160, brush.canvas.height / 160, 2);
  skeleton.edges.forEach(([a, b], k) => {
    if (!(keypoints[a][2] > 0.3 && keypoints[b][2] > 0.3)) return;
    brush.strokeStyle = colour(skeleton.edgeSides[k]);
    brush.beginPath();
    brush.moveTo(keypoints[a][0] * zoom, keypoints[a][1] * zoom);
    brush.lineTo(keypoints[b][0] * zoom, keypoints[b][1] * zoom);
    brush.stroke();
  });
}
