// The live page: the picture with its keypoints on the left, the poses on the right, as events bring them.
import { Stage, drawBones } from 'stage';

const $ = (id) => document.getElementById(id);
const stage = new Stage($('stage'));
let setup = null;

async function flat({ picture, persons, size }) {
  const canvas = $('picture2d'), brush = canvas.getContext('2d');
  const image = new Image();
  image.src = `data:image/jpeg;base64,${picture}`;
  await image.decode();
  [canvas.width, canvas.height] = [image.width, image.height];
  brush.drawImage(image, 0, 0);
  const zoom = image.width / size[0];
  for (const { id, keypoints, pose } of persons) {
    brush.globalAlpha = pose ? 1 : 0.35;
    drawBones(brush, keypoints, setup.skeleton_2d, zoom);
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
  stage.stand(frame.persons, setup?.skeleton_3d);
  await flat(frame).catch(() => {});
  $('metadata').textContent = frame.status;
  drawing = false;
});
events.addEventListener('end', ({ data }) => {
  events.close(); // or the browser would ask again and again
  $('metadata').textContent += ` · ${JSON.parse(data)}`;
});
events.addEventListener('error', () => { if (events.readyState !== EventSource.OPEN) $('metadata').textContent += ' · no connection'; });
