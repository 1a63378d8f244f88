// The film, its clock, and the camera that took it.
import * as THREE from 'three';
import { decode } from 'figures';

/** A film that goes in step: frame k of its light copy is shown k / fps after the start. */
export class Film {
  constructor(packed, fps, video, moved) {
    this.first = packed.first;
    this.last = packed.first + packed.frames - 1;
    this.fps = fps;
    this.video = video;
    this.target = null; // a seek waits for the one before
    video.src = packed.data ? URL.createObjectURL(new Blob([decode(packed.data)], { type: 'video/mp4' })) : encodeURIComponent(packed.file);
    video.addEventListener('seeked', () => {
      if (this.target !== null) this.seek(this.target);
      moved();
    });
    video.addEventListener('loadeddata', moved);
    this.shown = null; // media time of the frame on the screen, where the browser tells
    const note = (now, { mediaTime }) => {
      this.shown = mediaTime;
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback?.(note);
  }

  get ready() {
    return this.video.readyState >= 2;
  }

  /** The frame that is seen. */
  get frame() {
    const { currentTime } = this.video, late = Math.abs((this.shown ?? -1) - currentTime) > 0.1; // of browsers that are busy
    return this.first + Math.floor((late ? currentTime : this.shown) * this.fps + 0.01);
  }

  seek(frame) {
    if (!this.video.paused) return;
    this.target = this.video.seeking ? frame : null;
    if (this.target === null) this.video.currentTime = (Math.round(frame) - this.first + 0.5) / this.fps;
  }

  async play(frame, speed) {
    this.video.playbackRate = speed;
    this.video.currentTime = Math.max(frame - this.first + 0.01, 0) / this.fps;
    this.shown = null;
    await this.video.play().catch(() => {});
  }

  pause() {
    this.video.pause();
  }
}

/** The film's camera: the scene through its lens, fitted into a box on the screen, with zoom. */
export class FilmView {
  constructor({ lens, size }, stance, place) {
    [this.lens, this.size] = [lens, size];
    this.camera = new THREE.PerspectiveCamera();
    this.camera.matrixAutoUpdate = false;
    const axis = (x, y, z) => stance.apply([x, y, z], 0, new THREE.Vector3());
    this.camera.matrix.makeBasis(axis(1, 0, 0), axis(0, -1, 0), axis(0, 0, -1)).setPosition(place);
    this.camera.updateMatrixWorld(true);
    this.reset();
  }

  reset() {
    [this.zoom, this.x, this.y] = [1, 0, 0];
  }

  /** Where the picture lies in a window of some height left free: left, top and pixels of the screen in one of it. */
  layout(width, height, free) {
    const scale = Math.min(width / this.size[0], (height - free) / this.size[1]) * this.zoom;
    const left = (width - this.size[0] * scale) / 2 + this.x, top = (height - free - this.size[1] * scale) / 2 + this.y;
    return { left, top, scale };
  }

  /** Fits the lens to the window. */
  fit(width, height, free, near, far) {
    const { left, top, scale } = this.layout(width, height, free), [fx, fy, cx, cy] = this.lens;
    this.camera.projectionMatrix.set(
      (2 * scale * fx) / width, 0, 1 - (2 * (left + scale * cx)) / width, 0,
      0, (2 * scale * fy) / height, (2 * (top + scale * cy)) / height - 1, 0,
      0, 0, -(far + near) / (far - near), (-2 * far * near) / (far - near),
      0, 0, -1, 0,
    );
    this.camera.projectionMatrixInverse.copy(this.camera.projectionMatrix).invert();
    return { left, top, width: this.size[0] * scale, height: this.size[1] * scale };
  }

  /** Zooms so that the point (x, y) of the window stays. */
  zoomAt(x, y, by, width, height, free) {
    const before = this.layout(width, height, free);
    this.zoom = Math.min(Math.max(this.zoom * by, 1), 20);
    const after = this.layout(width, height, free), ratio = after.scale / before.scale;
    this.x += x - (x - before.left) * ratio - after.left;
    this.y += y - (y - before.top) * ratio - after.top;
    if (this.zoom === 1) this.reset();
  }

  drag(x, y) {
    this.x += x;
    this.y += y;
  }
}

/** The camera as a pyramid with its picture. */
export class Frustum {
  constructor({ lens: [fx, fy, cx, cy], size: [w, h] }, stance, place, film, length = 0.5) {
    const corner = (u, v) => stance.apply([((u - cx) / fx) * length, ((v - cy) / fy) * length, length], 0, new THREE.Vector3()).add(place);
    const corners = [corner(0, 0), corner(w, 0), corner(w, h), corner(0, h)];
    const points = corners.flatMap((point, k) => [place, point, point, corners[(k + 1) % 4]]);
    this.lines = new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(points), new THREE.LineBasicMaterial());
    this.group = new THREE.Group().add(this.lines);
    if (!film) return;
    const picture = new THREE.BufferGeometry().setFromPoints([corners[0], corners[3], corners[1], corners[2]]);
    picture.setAttribute('uv', new THREE.Float32BufferAttribute([0, 1, 0, 0, 1, 1, 1, 0], 2));
    picture.setIndex([0, 1, 2, 2, 1, 3]);
    const texture = new THREE.VideoTexture(film.video);
    texture.colorSpace = THREE.SRGBColorSpace;
    this.group.add(new THREE.Mesh(picture, new THREE.MeshBasicMaterial({ map: texture, side: THREE.DoubleSide })));
  }

  paint(colour) {
    this.lines.material.color.set(colour);
  }
}
