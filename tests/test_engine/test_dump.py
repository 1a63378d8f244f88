import pickle

import numpy as np


def test_predictions_are_plain_arrays_one_entry_a_sequence(make_runner, toy, tmp_path):
    path = tmp_path / 'new/folder/predictions.pkl'
    evaluators = [{'type': 'ToyMetric'}, {'type': 'DumpPredictions', 'out_file_path': str(path)}]
    metrics = make_runner(test_evaluator=evaluators).test()
    predictions = pickle.loads(path.read_bytes())
    assert [p['sequence'] for p in predictions] == [f'clip/{i}' for i in range(9)]
    assert all(type(p['pred_keypoints_3d']) is np.ndarray for p in predictions)
    errors = [np.linalg.norm(p['pred_keypoints_3d'] - p['lifting_target'], axis=-1).mean() for p in predictions]
    np.testing.assert_allclose(1000 * np.mean(errors), metrics['MPJPE'], rtol=1e-5)
