import pytest

from poselifter.apis import init_model
from poselifter.engine import load_config
from poselifter.engine.config import change_config
from poselifter.errors import InputError

TEXT = """
model = dict(type='Net', layers=[dict(width=1), dict(width=2)], sizes=[1, 2])
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'net.py').write_text(TEXT)
    return tmp_path / 'net.py'


def test_options_change_values_list_entries_and_add_leaves(config):
    options = {
        'optim_wrapper.optimizer.lr': 0.5,
        'model.layers.1.width': 3,
        'optim_wrapper.clip_grad': {'max_norm': 1},
        'load_from': 'x.pth',
        'model.sizes': [3],
    }
    cfg = load_config(config, options)
    assert cfg.optim_wrapper.optimizer.lr == 0.5 and cfg.model.layers[1].width == 3 and cfg.model.layers[0].width == 1
    assert cfg.optim_wrapper.clip_grad.max_norm == 1 and cfg.load_from == 'x.pth' and cfg.model.sizes == [3]


@pytest.mark.parametrize(('key', 'message'), [
    ('modle.type', "has no 'modle'; did you mean model"),
    ('max_epochs', "has no 'max_epochs'"),
    ('optim_wrapper.optimiser.lr', "optim_wrapper has no 'optimiser'; did you mean optimizer"),
    ('optim_wrapper.optimizer.lr.x', 'optim_wrapper.optimizer.lr is 0.1 and has nothing below'),
    ('model.layers.2.width', "model.layers has 2 entries, no '2'"),
    ('model.layers.first', "model.layers has 2 entries, no 'first'"),
    ('model.sizes.0', 'give a list of numbers as a whole'),
])  # fmt: skip
def test_options_that_lead_nowhere(config, key, message):
    with pytest.raises(InputError, match=message):
        load_config(config, {key: 1})


@pytest.mark.parametrize(('text', 'message'), [
    ('model = dict(', 'SyntaxError'),
    ("_base_ = ['missing.py']", 'FileNotFoundError'),
    ("custom_imports = dict(imports=['no_such_module'], allow_failed_imports=False)", 'no_such_module'),
    ('x = undefined_name', 'NameError'),
])  # fmt: skip
def test_broken_configs(tmp_path, text, message):
    (tmp_path / 'bad.py').write_text(text)
    with pytest.raises(InputError, match=f'bad.py cannot be read .*{message}'):
        load_config(tmp_path / 'bad.py')
    with pytest.raises(InputError, match='no config'):
        load_config(tmp_path / 'none.py')


VARIANTS = """
_base_ = 'net.py'
load_from = 'start.pth'
variants = dict(
    scratch=dict(load_from=None, optim_wrapper=dict(optimizer=dict(_delete_=True, type='Adam'))),
    wide=dict(model=dict(layers=[dict(width=9)]), train_cfg=dict(max_epochs=2)),
)
"""


@pytest.fixture
def child(config, tmp_path):
    (tmp_path / 'parent.py').write_text(VARIANTS)
    (tmp_path / 'child.py').write_text(
        "_base_ = 'parent.py'\nload_from = 'mine.pth'\nvariants = dict(wide=dict(train_cfg=dict(max_epochs=3)))\n"
    )
    return tmp_path / 'child.py'


def test_a_variant_is_what_a_child_config_would_be(child, tmp_path):
    """Inherited, changed by the child, and merged before the options; the plain config is not touched."""
    plain = load_config(child)
    assert plain.load_from == 'mine.pth' and list(plain.variants) == ['scratch', 'wide'] and 'work_dir' not in plain
    scratch = load_config(child, {'train_cfg': {'max_epochs': 1}}, 'scratch')
    (tmp_path / 'file.py').write_text(
        "_base_ = 'child.py'\nload_from = None\noptim_wrapper = dict(optimizer=dict(_delete_=True, type='Adam'))\n"
        'variants = dict(_delete_=True)\ntrain_cfg = dict(max_epochs=1)\n'
    )
    expected = {**load_config(tmp_path / 'file.py').to_dict(), 'work_dir': './work_dirs/child_scratch'}
    assert expected.pop('variants') == {} and scratch.to_dict() == expected
    wide = load_config(child, {'train_cfg.max_epochs': 7, 'work_dir': 'here'}, 'wide')
    assert wide.model.layers == [{'width': 9}] and wide.train_cfg.max_epochs == 7 and wide.work_dir == 'here'
    assert load_config(child, variant='wide').train_cfg.max_epochs == 3
    assert change_config(plain, variant='scratch').load_from is None and plain.load_from == 'mine.pth'


def test_variants_have_folders_of_their_own(child):
    child.write_text(child.read_text() + "work_dir = 'runs/child'\n")
    assert load_config(child).work_dir == 'runs/child'
    assert load_config(child, variant='scratch').work_dir == 'runs/child_scratch'
    child.write_text(child.read_text() + "variants = dict(other=dict(work_dir='runs/x'))\n")
    assert load_config(child, variant='other').work_dir == 'runs/x'


@pytest.mark.parametrize(('text', 'name', 'message'), [
    ('', 'scrach', "no variant 'scrach': .*child.py has the variants scratch, wide; did you mean scratch"),
    ('', 'frozen', 'choose one of them'),
    ('variants = None', 'scratch', 'child.py has no variants; run it without'),
    ('variants = [1]', 'scratch', r'variants of .*child.py is \[1\], expected dict'),
    ('variants = dict(bad=dict(load_from=dict(x=1)))', 'bad', 'variant bad cannot be merged into .*child.py'),
])  # fmt: skip
def test_variants_that_cannot_be(child, text, name, message):
    child.write_text(f"_base_ = 'parent.py'\n{text}\n")
    with pytest.raises(InputError, match=message):
        load_config(child, variant=name)


CODEC = """
codec = dict(type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=50)
train = dict(pipeline=[dict(type='Encode', codec=codec), (dict(type='Encode', codec=dict(type=codec['type'])),)])
test = dict(pipeline=[dict(type='Encode', codec=dict(codec, fps=25, confidence=True)), dict(codec=dict(type='Other'))])
model = dict(codec=codec)
variants = dict(slow=dict(codec=dict(fps=10)), image=dict(codec=dict(_delete_=True, type='ImageSpaceLifting', fps=50)))
"""


def test_copies_of_the_codec_follow_it(tmp_path):
    """Each copy that states what the codec stated, or nothing; not those that differ on purpose."""
    path = tmp_path / 'net.py'
    path.write_text(CODEC)

    def codecs(**changes):
        cfg = load_config(path, **changes)
        first, (second,) = cfg.train.pipeline
        return [cfg.codec, cfg.model.codec, first['codec'], second['codec'], *(s.codec for s in cfg.test.pipeline)]

    for changes in ({'cfg_options': {'codec.fps': 10}}, {'variant': 'slow'}):
        whole = {'type': 'RootRelativeLifting', 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17', 'fps': 10}
        bare, other = {'type': 'RootRelativeLifting', 'fps': 10}, {'type': 'Other'}
        assert codecs(**changes) == [whole] * 3 + [bare, {**whole, 'fps': 25, 'confidence': True}, other]
    *rest, last, _ = codecs(variant='image', cfg_options={'codec.confidence': False})
    image = {'type': 'ImageSpaceLifting', 'fps': 50, 'confidence': False}
    assert rest == [image] * 3 + [{'type': 'ImageSpaceLifting', 'confidence': False}]
    assert last == {'type': 'ImageSpaceLifting', 'fps': 25, 'confidence': True}
    options = {'codec.fps': 10, 'model.codec.fps': 30}
    assert [codec.get('fps') for codec in codecs(cfg_options=options)] == [10, 30, 10, 10, 25, None]
    assert codecs() == codecs(cfg_options={'codec.fps': 50})[:3] + codecs()[3:]


def test_a_model_of_a_variant(repository):
    config = repository / 'configs/motionbert/cmu_27.py'
    options = {'model.backbone.depth': 1, 'codec.fps': 25}
    for given in (config, load_config(config)):
        model = init_model(given, cfg_options=options, variant='scratch')
        assert model.cfg.load_from is None and model.codec.fps == 25 and len(model.backbone.layers) == 1
