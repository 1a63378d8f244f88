"""Mass lifting on Ray: the poses of ``poselifter lift``, though a machine of the cluster is lost."""

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem

from poselifter.cli import main
from poselifter.errors import InputError
from poselifter.io import read_result

COUNT, DETECTOR = 10, ('--detector', 'blazepose-lite')


@pytest.fixture
def clips(tmp_path, repository, data_dir):
    """Films, keypoints and a damaged file, in a folder."""
    folder = tmp_path / 'clips'
    folder.mkdir()
    clip = np.load(repository / 'demo/clip.npz')
    rest = {key: clip[key] for key in ('img_shape', 'fps', 'skeleton')}
    for k in range(COUNT):
        np.savez(folder / f'clip_{k}.npz', keypoints=clip['keypoints'][3 * k : 3 * k + 30], **rest)
    (folder / 'film.mp4').symlink_to(data_dir / 'two_persons.mp4')
    (folder / 'bad.npz').write_bytes(b'PK\x03\x04 no more')
    return folder


def start(repository, *arguments):
    path = os.pathsep.join([str(repository), os.environ.get('PYTHONPATH', '')])
    command = [sys.executable, str(repository / 'tools/ray_lift.py'), *map(str, arguments), *DETECTOR]
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    return subprocess.Popen(command, env={**os.environ, 'PYTHONPATH': path}, **pipes)


def rows_of(path):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path).to_pydict()
    rows = list(zip(table['track_id'], table['frame'], strict=True))
    names = ('keypoints_3d', 'uncertainty', 'keypoints', 'keypoints_visible', 'timestamp')
    return rows, *(np.array(table[name], np.float64) for name in names if name in table)


def check_rows(out, lifted, name):
    """The rows of a part are those that ``poselifter lift`` wrote."""
    [path] = out.glob(f'{name}-*.parquet')
    result = read_result(lifted / f'{name}.npz')
    keys, poses, uncertainty, keypoints, visible, *timestamps = rows_of(path)
    table, n = result.table, len(result.poses)
    assert keys == list(zip(table.track_ids.astype(str), table.frame_indices, strict=True))
    np.testing.assert_array_equal(poses.astype(np.float32), result.poses.reshape(n, -1))
    np.testing.assert_allclose(uncertainty, result.uncertainty, rtol=1e-6)
    np.testing.assert_allclose(keypoints, table.keypoints.reshape(n, -1), rtol=1e-6)
    np.testing.assert_allclose(visible, table.keypoints_visible, rtol=1e-6)
    assert (table.timestamps is None) == (not timestamps)
    for times in timestamps:
        np.testing.assert_allclose(times, table.timestamps)


def test_what_ends_its_process_again_and_again_is_listed(load_module, tmp_path):
    """In any stage: the end of a process is stood in for by an exception that no step catches."""
    tool = load_module('tools/ray_lift.py')

    class Fatal(tool._Stage):
        def step(self, item):
            raise SystemExit

    stage = Fatal(SimpleNamespace(output=str(tmp_path)))
    (tmp_path / tool.BEGUN).mkdir()
    for _ in range(tool.STALE):
        with pytest.raises(SystemExit):
            stage._safe({'input': 'a.npz'})
    assert f'a.npz was begun {tool.STALE} times and never ended' in stage._safe({'input': 'a.npz'})['error']
    assert stage._safe({'input': 'b.npz', 'error': 'x'}) == {'input': 'b.npz', 'error': 'x'}


def test_places_that_exist_are_no_patterns(load_module, tmp_path):
    list_inputs, folder = load_module('tools/ray_lift.py').list_inputs, tmp_path / 'cl[1]'
    (folder / 'inner').mkdir(parents=True)
    for name in ('b[2]*.npz', 'a.npz', '.hidden', 'inner/c.npz'):
        (folder / name).touch()
    both = [str(folder / 'a.npz'), str(folder / 'b[2]*.npz')]
    assert list_inputs(str(folder)) == list_inputs(f'{folder}/') == both
    assert list_inputs(both[1]) == both[1:] and list_inputs(f'{tmp_path}/cl*/b*.npz') == both[1:]
    for nothing in (tmp_path / 'cl[2]', folder / '*.mp4'):
        with pytest.raises(InputError, match='has no files'):
            list_inputs(str(nothing))


def test_a_folder_has_rows_of_one_kind(load_module, tmp_path):
    tool, files = load_module('tools/ray_lift.py'), LocalFileSystem()
    args = SimpleNamespace(output='out', **dict.fromkeys(tool.SETTINGS))
    for _ in range(2):
        tool.keep_settings(args, files, f'{tmp_path}/out/_settings.json')
    with pytest.raises(InputError, match='out holds poses that were made with model None; choose another folder'):
        tool.keep_settings(SimpleNamespace(**vars(args) | {'model': 'x'}), files, f'{tmp_path}/out/_settings.json')


@pytest.fixture
def bucket(monkeypatch):
    """The address of an empty bucket of a server of S3 on this machine, and its file system."""
    pytest.importorskip('ray', reason='needs ray[data], half a gigabyte: pip install "poselifter[ray]"')
    s3fs = pytest.importorskip('s3fs', reason='needs s3fs and moto[server]')
    server = pytest.importorskip('moto.server', reason='needs moto[server]').ThreadedMotoServer('127.0.0.1', 0)
    server.start()
    host, port = server.get_host_and_port()
    names = {'AWS_ENDPOINT_URL': f'http://{host}:{port}', 'AWS_DEFAULT_REGION': 'us-east-1'}
    for name, value in {**names, 'AWS_ACCESS_KEY_ID': 'a', 'AWS_SECRET_ACCESS_KEY': 'b'}.items():
        monkeypatch.setenv(name, value)
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir('clips')
    yield 's3://clips', files
    server.stop()


@pytest.mark.slow
def test_an_object_store(bucket, clips, tmp_path, repository):
    """Inputs and outputs in S3, a bad one among them; what is done there is not done again."""
    address, files = bucket
    names = ['clip_0', 'clip_1', 'bad']
    for name in names:
        files.put_file(clips / f'{name}.npz', f'{address}/in/{name}.npz')
    for done in (0, 2):
        run = start(repository, f'{address}/in/*.npz', f'{address}/out')
        said, errors = run.communicate(timeout=300)
        assert run.returncode == 2 and 'error: 1 of 3 inputs could not be lifted' in errors, said + errors
        assert f'3 inputs, {done} done before' in said
        files.invalidate_cache()
        assert len(files.ls(f'{address}/out')) == 4  # two parts, the list and the settings; nothing begun
    [failed] = json.loads(files.cat_file(f'{address}/out/_failed.json'))
    assert failed['input'] == f'{address}/in/bad.npz' and 'no whole npz' in failed['error']
    files.get(f'{address}/out/', str(tmp_path / 'out'), recursive=True)
    main(
        [
            'lift',
            *(str(clips / f'{name}.npz') for name in names[:2]),
            '-o',
            str(tmp_path / 'lifted'),
            '--formats',
            'npz',
        ]
    )
    for name in names[:2]:
        check_rows(tmp_path / 'out', tmp_path / 'lifted', name)


def again_alone(repository, clips, out):
    """What is missing is lifted by the same command without a cluster, which is not looked for either."""
    gone = [next(out.glob(f'{name}-*.parquet')) for name in ('clip_0', 'film')]
    for path in gone:
        path.unlink()
    said, errors = start(repository, clips, out).communicate(timeout=300)
    assert f'{COUNT + 2} inputs, {COUNT - 1} done before' in said and '3/3' in errors, said + errors
    assert 'error: 1 of' in errors and 'Traceback' not in errors and all(path.exists() for path in gone)


@pytest.mark.slow
def test_a_machine_is_lost(clips, tmp_path, repository):
    """Two nodes of a local cluster, one killed at work; what is done is not done again; one bad file is listed."""
    pytest.importorskip('ray', reason='needs ray[data], half a gigabyte: pip install "poselifter[ray]"')
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 2})
    try:
        lost, out = cluster.add_node(num_cpus=2), tmp_path / 'out'
        run = start(repository, clips, out, '--address', cluster.address)
        while not list(out.glob('*.parquet')) and run.poll() is None:
            time.sleep(0.1)
        before = len(list(out.glob('*.parquet')))
        assert run.poll() is None
        cluster.remove_node(lost, allow_graceful=False)
        said, errors = run.communicate(timeout=300)
        assert run.returncode == 2 and f'error: 1 of {COUNT + 2} inputs could not be lifted' in errors, said + errors
        assert 'Traceback' not in errors and 0 < before < COUNT + 1
        assert f'{COUNT + 2}/{COUNT + 2}' in errors and 'clip' in errors  # the bar
        [failed] = json.loads((out / '_failed.json').read_text())
        assert failed['input'].endswith('bad.npz') and 'no whole npz' in failed['error']
        again = start(repository, clips, out, '--address', cluster.address)
        said, _ = again.communicate(timeout=300)
        assert f'{COUNT + 2} inputs, {COUNT + 1} done before' in said and not (out / '.begun').exists()
    finally:
        cluster.shutdown()
    again_alone(repository, clips, out)
    import pyarrow.dataset

    names = pyarrow.dataset.dataset(str(out)).to_table().column('input').unique().to_pylist()
    assert len(names) == COUNT + 1 and not any(name.endswith('bad.npz') for name in names)
    film, *files = inputs = [clips / 'film.mp4', *(clips / f'clip_{k}.npz' for k in range(COUNT))]
    lifted = ['-o', str(tmp_path / 'lifted'), '--formats', 'npz']
    main(['lift', str(film), *lifted, *DETECTOR])
    main(['lift', *map(str, files), *lifted])
    for name in inputs:
        check_rows(out, tmp_path / 'lifted', name.stem)
