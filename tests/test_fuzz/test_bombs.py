"""Small files that ask for much: each is refused in one sentence, or read, in 10 s of an undisturbed core and 2 GB."""

import io
import json
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
import toy_formats
from fuzz import reads_well
from PIL import Image

from poselifter.apis import Pose3DInferencer, load_official
from poselifter.checkpoints import load_checkpoint_file
from poselifter.detection import open_frames
from poselifter.engine import load_config
from poselifter.io import read_keypoints, read_result
from poselifter.io.convert import convert_file
from poselifter.models.body_models import load_body_model
from poselifter.utils.arrays import load_array, load_arrays, load_tensors
from poselifter.utils.safe_pickle import load_pickle
from poselifter.world.camera_file import read_camera


def converts(path):
    convert_file(path, path.with_name('out.npz'))


READERS = {
    '.npz': (read_keypoints, read_result, load_arrays, load_body_model),
    '.npy': (read_keypoints, load_array),
    '.pth': (load_checkpoint_file, load_official),
    '.pkl': (read_keypoints, load_pickle, load_body_model),
    '.joblib': (lambda path: load_pickle(path, joblib=True),),
    '.json': (read_keypoints, load_config, read_camera),
    '.safetensors': (load_tensors, load_checkpoint_file),
    '.yml': (load_config, read_camera),
    '.toml': (read_camera,),
    '.h5': (read_keypoints,),
    '.csv': (read_keypoints,),
    **dict.fromkeys(('.bvh', '.c3d', '.trc'), (read_keypoints, converts)),
    '.py': (load_config,),
    '.mp4': (lambda path: list(open_frames(path)),),
    '.png': (lambda path: list(open_frames(path)),),
}


def npy(shape, kind='<f4', version=1):
    """The header of an npy."""
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b'\x93NUMPY' + bytes([version, 0]) + struct.pack('<H' if version == 1 else '<I', len(header)) + header


def bomb(path, name, head, gigabytes):
    """A zip with one deflated entry: a head, then zeros; one block of them is packed once."""
    pack = zlib.compressobj(1, wbits=-15)
    start = pack.compress(head) + pack.flush(zlib.Z_FULL_FLUSH)
    block = pack.compress(bytes(1 << 24)) + pack.flush(zlib.Z_FULL_FLUSH)
    data, size = start + block * (gigabytes * 64), len(head) + (gigabytes << 30)
    data += pack.compress(b'') + pack.flush()
    with zipfile.ZipFile(path, 'w') as archive:  # as if it were stored; then the entry is made to say more
        archive.writestr(name, data)
        entry = archive.infolist()[0]
        entry.compress_type, entry.file_size = zipfile.ZIP_DEFLATED, size
    raw = bytearray(path.read_bytes())
    raw[8:10] = struct.pack('<H', 8)
    raw[22:26] = struct.pack('<I', size % 2**32)
    path.write_bytes(raw)


def laughs(levels=60, width=10):
    """Lists of the same lists: nothing on the disk, 10^60 when they are walked through."""
    value = [0.0] * width
    for _ in range(levels):
        value = [value] * width
    return value


def lying_film(data_dir, path, mark, at):
    """A film whose table says that it has two thousand million of something."""
    data = bytearray((data_dir / 'two_persons.mp4').read_bytes())
    place = data.index(mark) + at
    data[place : place + 4] = struct.pack('>I', 2**31 - 1)
    path.write_bytes(data)


def huge_picture(path):
    Image.new('L', (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack('>II', 60000, 60000)
    data[29:33] = struct.pack('>I', zlib.crc32(data[12:29]))
    path.write_bytes(data)


def tensors(path, shape, end):
    header = json.dumps({'a': {'dtype': 'F32', 'shape': shape, 'data_offsets': [0, end]}}).encode()
    path.write_bytes(struct.pack('<Q', len(header)) + header + bytes(16))


def spoilt_storage(path):
    """A checkpoint whose tensor says that it has a million million numbers."""
    torch.save({'state_dict': {'a': torch.zeros(7)}}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in entries.items():
            archive.writestr(name, data.replace(b'K\x07', b'J\xff\xff\xff\x7f'))


def crowd(path, persons):
    """Ten million persons in one frame."""
    arrays = {'keypoints': np.zeros((persons, 1, 2), 'f2'), 'track_ids': np.arange(persons, dtype='i4'), 'fps': 30.0}
    arrays |= {'img_shape': [9, 9], 'frame_indices': np.zeros(persons, 'i1'), 'skeleton': 'coco17'}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # as numpy would, but fast
        for name, array in arrays.items():
            with archive.open(f'{name}.npy', 'w') as file:
                np.lib.format.write_array(file, np.asarray(array))


def hdf5(path, size, **options):
    import h5py

    with h5py.File(path, 'w') as file:
        data = file.create_dataset('a/table', (size,), 'f4', **options)
        packed = zlib.compress(bytes(4 * data.chunks[0]), 9) if 'compression' in options else None
        for start in range(0, size, data.chunks[0]) if packed else ():
            data.id.write_direct_chunk((start,), packed)


def joblib_shape(path):
    """An array of joblib that says that it is large."""
    joblib = pytest.importorskip('joblib', reason='needs joblib')
    buffer = io.BytesIO()
    joblib.dump(np.zeros(77), buffer)
    path.write_bytes(buffer.getvalue().replace(b'KM\x85', b'J\xff\xff\xff\x7f\x85'))


def changed(make, path, *changes):
    """A file of toy_formats in which some bytes are others."""
    data = make(path.parent).read_bytes()
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    path.write_bytes(data)


def overlapping(path):
    """A C3D of whose parameters each begins in the one before, so that each holds thousands of numbers."""
    names = b''.join(struct.pack('<bb2sHbBBB', 2, 1, bytes([65 + k % 26, 65 + k // 26 % 26]), 7, 2, 2, 250, 250)
                     for k in range(10_000))  # fmt: skip
    header = toy_formats.c3d(path.parent).read_bytes()[:512]
    path.write_bytes(header + b'\1\x50\xff\x54' + names + b'\1' * 70_000)


def wide(path, separator):
    """A table with a hundred thousand columns in the head, and as many rows with two cells."""
    if path.suffix == '.csv':
        path.write_text(separator.join(['frame', *(f'a{k}_x,a{k}_y' for k in range(100_000))]) + '\n0,1' * 100_000)
        return
    lines = toy_formats.trc(path.parent).read_text().splitlines()
    lines[2] = separator.join(['25', '25', '100000', '100000', 'm', '25', '1'])
    lines[3] = separator.join(['Frame#', 'Time', *(f'a{k}\t\t' for k in range(100_000))])
    path.write_text('\n'.join(lines[:6] + ['1\t0'] * 100_000))


#: Pickles of keys that C would hash until the end of days, or of its stack.
KEYS = {
    'twice': b'}(K\1\x85' + b'2\x86' * 60 + b'Nu',
    'remembered': b'}K\1\x85q\0' + b''.join(b'h%ch%c\x86q%c' % (k, k, k + 1) for k in range(60)) + b'h\x3cNs',
    'million': b'})' + b'\x85' * 1_000_000 + b'Ns',
    'frozen': b'}(K\1\x91' + b'(2\x91' * 1_000_000 + b'Nu',
    'wide': b'}((' + b'K\1' * 20_000 + b'tq\0N' + b'h\0N' * 20_000 + b'u',
    'ordered': b'ccollections\nOrderedDict\n((K\1\x85' + b'2\x86' * 60 + b'K\1ll\x85R',
    'set': b'cbuiltins\nset\n((K\1\x85' + b'2\x86' * 60 + b'l\x85R',
}


def keys_in_a_checkpoint(path, body):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', b'\x80\2' + body + b'.')
        archive.writestr('archive/version', '3')


BOMBS = {
    **{
        f'{n}.{kind}': lambda path, _, b=b: path.write_bytes(b'\x80\4' + b + b'.')
        for n, b in KEYS.items()
        for kind in ('pkl', 'joblib')
    },
    **{
        f'{n}.npy': lambda path, _, b=b: path.write_bytes(npy((1,), '|O') + b'\x80\4' + b + b'.')
        for n, b in KEYS.items()
    },
    'before_a_zip.pth': lambda path, _: (
        keys_in_a_checkpoint(path, b'N'),
        path.write_bytes(b'\x80\2' + KEYS['twice'] + b'.' + path.read_bytes()),
    ),
    **{f'{n}.pth': lambda path, _, b=b: keys_in_a_checkpoint(path, b) for n, b in KEYS.items()},
    'zeros.npz': lambda path, _: bomb(path, 'keypoints.npy', npy((3 << 18, 17, 2)), 3),
    'shape.npz': lambda path, _: bomb(path, 'keypoints.npy', npy((1 << 50, 17, 2)), 1),
    'negative.npz': lambda path, _: bomb(path, 'keypoints.npy', npy((-5, 17, 2)), 1),
    'empty.npz': lambda path, _: bomb(path, 'keypoints.npy', npy((0, 1 << 60, 1 << 60)), 1),
    'crowd.npz': lambda path, _: crowd(path, 10_000_000),
    **{
        f'{name}.npy': lambda path, _, head=head: path.write_bytes(head + bytes(64))
        for name, head in {
            'large': npy((1 << 40,)),
            'overflow': npy((1 << 62, 1 << 62)),
            'dimensions': npy((1,) * 4000, version=2),
            'text': npy((9,), '<U900000000'),
            'nested': npy('(' * 3000 + ')' * 3000),
        }.items()
    },
    'zeros.pth': lambda path, _: bomb(path, 'archive/data/0', b'', 3),
    'storage.pth': lambda path, _: spoilt_storage(path),
    'laughs.pth': lambda path, _: torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': {'a': laughs()}}, path),
    'laughs.pkl': lambda path, _: path.write_bytes(pickle.dumps({'keypoints': laughs()})),
    'deep.pkl': lambda path, _: path.write_bytes(b'\x80\x04' + b']' * 200_000 + b'a' * 199_999 + b'.'),
    'bytes.pkl': lambda path, _: path.write_bytes(b'\x80\x04\x8e' + struct.pack('<Q', 1 << 50) + b'.'),
    'lists.json': lambda path, _: path.write_text('[' * 200_000 + ']' * 200_000),
    'objects.json': lambda path, _: path.write_text('{"a":' * 200_000 + '1' + '}' * 200_000),
    'digits.json': lambda path, _: path.write_text(f'[{{"keypoints": [{"9" * 1_000_000}]}}]'),
    'anchors.yml': lambda path, _: path.write_text(
        'a0: &a0 [0]\n' + ''.join(f'a{k}: &a{k} [{", ".join([f"*a{k - 1}"] * 10)}]\n' for k in range(1, 40))
    ),
    'merges.yml': lambda path, _: path.write_text(
        'a0: &a0 {b: 0}\n' + ''.join(f'a{k}: &a{k}\n  <<: [*a{k - 1}, *a{k - 1}]\n' for k in range(1, 60))
    ),
    'deep.py': lambda path, _: path.write_text('a = ' + '[' * 5000 + ']' * 5000),
    'shape.safetensors': lambda path, _: tensors(path, [1 << 40], 1 << 42),
    'overflow.safetensors': lambda path, _: tensors(path, [1 << 32, 1 << 32], 16),
    'header.safetensors': lambda path, _: path.write_bytes(struct.pack('<Q', 1 << 62) + b'{}'),
    'shape.h5': lambda path, _: hdf5(path, 1 << 45, chunks=(1 << 20,)),
    'zeros.h5': lambda path, _: hdf5(path, 300 << 20, compression=9, chunks=(1 << 24,)),
    'shape.joblib': lambda path, _: joblib_shape(path),
    'frames.bvh': lambda path, _: changed(toy_formats.bvh, path, (b'Frames: 2', b'Frames: 999999999999')),
    'channels.bvh': lambda path, _: changed(toy_formats.bvh, path, (b'CHANNELS 3', b'CHANNELS 999999999')),
    'deep.bvh': lambda path, _: changed(
        toy_formats.bvh,
        path,
        (b'    End', b'JOINT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n' * 50_000 + b'    End'),
        (b'MOTION', b'}\n' * 50_000 + b'MOTION'),
    ),
    'frames.trc': lambda path, _: changed(toy_formats.trc, path, (b'\t17\tm', b'\t1700000000\tm')),
    'wide.trc': lambda path, _: wide(path, '\t'),
    'wide.csv': lambda path, _: wide(path, ','),
    'points.c3d': lambda path, _: changed(toy_formats.c3d, path, (b'\x50\x11\0', b'\x50\xff\xff')),
    'overlapping.c3d': lambda path, _: overlapping(path),
    'deep.toml': lambda path, _: path.write_text('a = ' + '[' * 100_000 + ']' * 100_000),
    'sizes.mp4': lambda path, data: lying_film(data, path, b'stsz', 12),
    'times.mp4': lambda path, data: lying_film(data, path, b'stts', 12),
    'duration.mp4': lambda path, data: lying_film(data, path, b'mdhd', 20),
    'picture.png': lambda path, _: huge_picture(path),
}


@pytest.mark.parametrize('name', BOMBS)
def test_small_files_that_ask_for_much(name, tmp_path, data_dir):
    path = tmp_path / name
    BOMBS[name](path, data_dir)
    assert path.stat().st_size < 60 << 20
    for read in READERS[path.suffix]:
        reads_well(read, path)


@pytest.mark.parametrize('frames', [[0, 1, 1 << 40], [0, 1, 20_000_000], [-(1 << 62), 0, 1 << 62]])
def test_frames_far_from_each_other(frames, tmp_path):
    """Three frames, and millions of years between them: nothing is filled in."""
    points = np.random.default_rng(0).uniform(100, 500, (3, 17, 2))
    np.savez(tmp_path / 'a.npz', keypoints=points, frame_indices=frames, img_shape=[600, 800], skeleton='coco17')
    inferencer = Pose3DInferencer()
    reads_well(lambda path: list(inferencer(path)), tmp_path / 'a.npz')


def test_a_crowd_is_not_lifted(tmp_path):
    crowd(tmp_path / 'crowd.npz', 200_000)
    inferencer = Pose3DInferencer()
    reads_well(lambda path: list(inferencer(path)), tmp_path / 'crowd.npz')
