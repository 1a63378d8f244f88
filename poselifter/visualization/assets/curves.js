// Angles of joints over time, drawn under the time bar.
import { colour } from 'figures';

const ANGLES = { // the joint in the middle, and the two it is between
  knees: ['hip', 'knee', 'ankle'],
  hips: ['shoulder', 'hip', 'knee'],
  elbows: ['shoulder', 'elbow', 'wrist'],
  shoulders: ['hip', 'shoulder', 'elbow'],
};

/** Angles in degrees of a person, by name and side: arrays with a number for each row. */
function anglesOf(person, joints, name) {
  const { values, width } = person.pose, count = values.length / width;
  return ['left', 'right'].map((side) => {
    const [a, b, c] = ANGLES[name].map((joint) => 3 * joints.indexOf(`${side}_${joint}`)), angles = new Float32Array(count).fill(NaN);
    if (Math.min(a, b, c) < 0) return angles;
    for (let row = 0; row < count; row++) {
      let dot = 0, first = 0, second = 0;
      for (let axis = 0, at = row * width; axis < 3; axis++, at++) {
        const u = values[at + a] - values[at + b], v = values[at + c] - values[at + b];
        dot += u * v;
        first += u * u;
        second += v * v;
      }
      angles[row] = (Math.acos(Math.min(Math.max(dot / Math.sqrt(first * second), -1), 1)) * 180) / Math.PI;
    }
    return angles;
  });
}

/** Curves of both sides for one person, drawn once; a line and two numbers tell the moment. */
export class Curves {
  constructor(canvas, first, last, joints) {
    Object.assign(this, { canvas, first, last });
    this.names = Object.keys(ANGLES).filter((name) => ANGLES[name].every((joint) => joints.includes(`left_${joint}`)));
    this.board = document.createElement('canvas');
  }

  /** Draws the curves of a person; with many frames the lowest and the highest value of each pixel. */
  paint(person, name) {
    const ratio = Math.min(devicePixelRatio, 2);
    [this.canvas.width, this.canvas.height] = [this.canvas.clientWidth * ratio, this.canvas.clientHeight * ratio];
    [this.board.width, this.board.height] = [this.canvas.width, this.canvas.height];
    const brush = this.board.getContext('2d'), { width } = this.board;
    this.person = person;
    this.sides = anglesOf(person, person.skeleton.joints, name);
    const finite = this.sides.flatMap((angles) => [angles.reduce((a, b) => (b < a ? b : a), 180), angles.reduce((a, b) => (b > a ? b : a), 0)]);
    this.range = [Math.floor(Math.min(...finite) / 30) * 30, Math.ceil(Math.max(...finite) / 30) * 30];
    if (this.range[0] >= this.range[1]) this.range = [0, 180];
    brush.fillStyle = colour('muted');
    brush.strokeStyle = colour('line');
    brush.font = `${10 * ratio}px sans-serif`;
    for (let degrees = this.range[0]; degrees <= this.range[1]; degrees += 30) {
      brush.strokeRect(-1, this.level(degrees), width + 2, 0);
      if (degrees < this.range[1]) brush.fillText(`${degrees}°`, 2, this.level(degrees) - 2 * ratio);
    }
    brush.lineWidth = 1.5 * ratio;
    this.sides.forEach((angles, side) => {
      brush.strokeStyle = colour(['left', 'right'][side]);
      brush.beginPath();
      let column = -1, low = Infinity, high = -Infinity, before = null;
      for (const [frame, row] of person.pose.rows) {
        const x = Math.round(this.column(frame)), value = angles[row];
        if (x !== column && column >= 0) {
          if (before === null || frame - before > 1) brush.moveTo(column, this.level(low));
          brush.lineTo(column, this.level(low));
          brush.lineTo(column, this.level(high));
          [low, high] = [Infinity, -Infinity];
        }
        [column, low, high, before] = [x, Math.min(low, value), Math.max(high, value), frame];
      }
      if (column >= 0) brush.lineTo(column, this.level(low));
      brush.stroke();
    });
  }

  column(frame) {
    return ((frame - this.first) / Math.max(this.last - this.first, 1)) * (this.board.width - 1);
  }

  level(degrees) {
    return (0.97 - ((degrees - this.range[0]) / (this.range[1] - this.range[0])) * 0.75) * this.board.height; // words above
  }

  /** The moment; returns its angles, left and right, or nothing. */
  draw(time) {
    const brush = this.canvas.getContext('2d'), x = Math.round(this.column(time)) + 0.5;
    brush.clearRect(0, 0, this.canvas.width, this.canvas.height);
    brush.drawImage(this.board, 0, 0);
    brush.strokeStyle = colour('ink');
    brush.strokeRect(x, 0, 0, this.canvas.height);
    const row = this.person.pose.rows.get(Math.round(time));
    return row === undefined ? null : this.sides.map((angles) => angles[row]);
  }
}
