import torch

from poselifter.checkpoints import match_checkpoint
from poselifter.models.parts import per_joint_parameters
from poselifter.registry import MODELS
from poselifter.skeletons import get_skeleton

KEY = 'backbone.joint_embedding.weight'
ROWS = {KEY, 'backbone.class_token'}


def weights(joints, dims=4, seed=0):
    """A state dict with a row for each joint, a class token, and something else."""
    made = torch.Generator().manual_seed(seed)
    shapes = {KEY: (1, joints, dims), 'backbone.class_token': (1, 1, joints, dims), 'head.weight': (joints, dims)}
    return {key: torch.randn(shape, generator=made) for key, shape in shapes.items()}


def match(weights, own, per_joint, skeleton):
    checkpoint = {'state_dict': weights, 'meta': {'skeleton': 'h36m17'}}
    names = match_checkpoint(checkpoint, own, per_joint, skeleton)
    return checkpoint['state_dict'], names


def test_each_joint_gets_the_row_of_its_namesake():
    old, own = weights(17), weights(15, seed=1)
    found, names = match(old, own, ROWS, 'humaneva15')
    assert names == [KEY, 'backbone.class_token']
    for i, joint in enumerate(get_skeleton('humaneva15').joint_names):
        place = get_skeleton('h36m17').joint_names.index(joint)
        assert torch.equal(found[KEY][0, i], old[KEY][0, place])
        assert torch.equal(found['backbone.class_token'][0, 0, i], old['backbone.class_token'][0, 0, place])
    assert torch.equal(found['head.weight'], old['head.weight'])
    # two facts of the tables: the left shoulder is joint 2 there and 11 here, the head's top 14 and 10
    assert torch.equal(found[KEY][:, [2, 14]], old[KEY][:, [11, 10]])


def test_joints_without_a_namesake_keep_their_start():
    old, own = weights(17), weights(17, seed=1)
    before = own[KEY].clone()
    found, _ = match(old, own, ROWS, 'mpi_inf_3dhp17')
    names = get_skeleton('mpi_inf_3dhp17').joint_names
    kept = [i for i, name in enumerate(names) if name in ('neck', 'head')]  # Human3.6M has thorax and nose
    taken = [i for i in range(17) if i not in kept]
    assert torch.equal(found[KEY][:, kept], before[:, kept])
    assert not (found[KEY][:, taken] == before[:, taken]).any()
    assert torch.equal(found[KEY][:, 14], old[KEY][:, 0]) and torch.equal(own[KEY], before)


def test_only_tensors_with_those_joints_are_touched():
    own = weights(15)
    for old in (weights(16), {'other.weight': torch.ones(1, 17, 4)}):
        found, names = match(old, own, ROWS, 'humaneva15')
        assert names == [] and all(found[key] is old[key] for key in old)


def test_a_checkpoint_is_matched_where_the_joint_sets_differ():
    """MixSTE: everything else of the network serves any number of joints, so all of it loads."""

    def build(joints):
        backbone = {'type': 'MixSTE', 'num_frames': 5, 'num_joints': joints, 'embed_dims': 8, 'depth': 1}
        model = MODELS.build(
            {
                'type': 'MotionEstimator',
                'backbone': {**backbone, 'num_heads': 2},
                'heads': {'pose': {'type': 'PoseHead', 'norm': 'layer'}},
                'codec': {'type': 'RootRelativeLifting'},
            }
        )
        torch.nn.init.normal_(model.backbone.joint_embedding.weight)
        return model

    big, small = build(17), build(15)
    for meta, expected in (({'skeleton': 'h36m17'}, [KEY]), ({'skeleton': 'humaneva15'}, []), ({}, [])):
        checkpoint = {'state_dict': big.state_dict(), 'meta': meta}
        assert match_checkpoint(checkpoint, small.state_dict(), per_joint_parameters(small), 'humaneva15') == expected
        assert checkpoint['state_dict'][KEY].shape[1] == (15 if expected else 17)
        if expected:
            small.load_state_dict(checkpoint['state_dict'])  # strict
    assert match_checkpoint({'state_dict': {}, 'meta': {'skeleton': 'h36m17'}}, {}, ROWS, None) == []
