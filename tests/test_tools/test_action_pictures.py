import numpy as np
import pytest
import torch
from PIL import Image

from poselifter.apis import init_model
from poselifter.datasets import ProceduralMotion

SIZE = [f'model.backbone.{name}={value}' for name, value in {'embed_dims': 16, 'rep_dims': 16, 'depth': 1}.items()]
SMALL = [*SIZE, 'test_dataloader.dataset.n_sequences=18', 'test_dataloader.dataset.n_frames=50']


@pytest.fixture
def embedder(repository, tmp_path):
    """A config and a checkpoint of it."""
    config = repository / 'configs/motionbert/oneshot_procedural.py'
    torch.manual_seed(0)
    options = dict(option.split('=') for option in SIZE)
    model = init_model(config, cfg_options={key: int(value) for key, value in options.items()})
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, tmp_path / 'weights.pth')
    return model, [str(config), str(tmp_path / 'weights.pth'), '--cfg-options', *SMALL]


def test_embeddings_are_the_means_of_a_clips_windows(tool, embedder):
    model, _ = embedder
    codec = dict(type='RootRelativeLifting', skeleton_3d='h36m17', fps=30, confidence=True, window_box=True)
    steps = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='Encode', codec=codec)]
    data = ProceduralMotion(3, 50, window=dict(length=27), pipeline=[*steps, dict(type='PackPose')])
    found = tool('analysis_tools/visualize_embeddings').embed_dataset(model, data, pooled=False)
    pooled = tool('analysis_tools/visualize_embeddings').embed_dataset(model, data, pooled=True)
    assert [label for _, label, _ in found.values()] == ['walk', 'wave', 'squat']
    with torch.no_grad():
        windows = torch.stack([data[i]['inputs'] for i in (2, 3)])  # of the second clip
        np.testing.assert_allclose(found['wave_000001'][0], model(windows)['embedding'].mean(0), atol=1e-5)
        features = model.extract_feat(windows)['features'].mean((0, 1)).flatten()
    np.testing.assert_allclose(pooled['wave_000001'][0], features, atol=1e-5)


@pytest.mark.parametrize('kind', [[], ['--pooled', '--exemplars']])
def test_embeddings_are_drawn(tool, embedder, tmp_path, kind):
    pytest.importorskip('sklearn')
    main = tool('analysis_tools/visualize_embeddings').main
    main([*embedder[1], '--out', str(tmp_path / 'out'), '--perplexity', '5', *kind])
    [path] = (tmp_path / 'out').glob('*.png')
    assert path.stem == ('pooled' if kind else 'embeddings')
    assert np.asarray(Image.open(path).convert('RGB')).std() > 10


def test_what_tsne_cannot_do_is_named(tool, embedder, tmp_path, fails):
    pytest.importorskip('sklearn')
    line = fails(tool('analysis_tools/visualize_embeddings').main, *embedder[1], '--perplexity', '40')
    assert '--perplexity is 40, expected 1 to 17' in line


def test_confusion_is_drawn(tool, tmp_path, fails, repository):
    main, csv, png = tool('analysis_tools/plot_confusion').main, tmp_path / 'm.csv', tmp_path / 'm.png'
    np.savetxt(csv, [[5, 1, 0, 0, 0, 0], *np.eye(6)[1:] * 3], fmt='%d', delimiter=',')
    main([str(csv), str(png), '--config', str(repository / 'configs/motionbert/action_cmu.py')])
    assert np.asarray(Image.open(png).convert('RGB')).std() > 10
    assert '2 names for the 6 classes' in fails(main, csv, png, '--classes', 'a', 'b')
    csv.write_text('1,2\n')
    assert 'holds (1, 2) numbers, expected counts' in fails(main, csv, png)
    csv.write_text('a,b\n')
    assert 'is no csv file of numbers' in fails(main, csv, png)
    assert 'not found' in fails(main, tmp_path / 'none.csv', png)
