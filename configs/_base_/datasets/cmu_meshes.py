# As cmu_bodies.py, with rotations and shapes of the bodies that are seen. Training has the rotations of bodies fitted
# to the captured joints, as fit-body does; tests, those that were captured, of the held-out subjects:
#   python tools/dataset_converters/fit_mocap.py data/cmu/cmu_train.npz data/cmu_fits
_base_ = './cmu_bodies.py'

labels = dict(type='PackPose', keys=['body_rotations', 'body_shape'])
detections = dict(type='BodyDetections', labels=True)
errors = dict(type='DetectorErrors', strength=(0.3, 2.2), outside=0.5)
train_pipeline = [
    dict(type='TimeWarp', length=27, speed=(0.5, 2.0)),
    dict(type='StraightenLimbs', angle=40, prob=0.6),
    dict(type='VaryPose', angle=11, prob=0.5),
    detections,
    dict(type='WideCamera', pitch=(-15, 45), roll=30, distance=(1.5, 15), focal=(0.5, 4)),
    errors,
    dict(type='MissingParts', prob=0.3),
    dict(type='Encode', codec={{_base_.codec}}),
    dict(type='FlipPose'),
    labels,
]
test_pipeline = [
    detections,
    dict(type='WideCamera', pitch=(-15, 45), roll=30, distance=(1.5, 15), focal=(0.5, 4)),
    dict(type='DetectorErrors', strength=(1, 1), outside=0.5),
    dict(type='Encode', codec={{_base_.codec}}),
    labels,
]
tested = dict(
    _delete_=True,
    type='CMUSkeletonDataset',
    data_root={{_base_.data_root}},
    own_body=0.0,
    test_mode=True,
    pipeline=test_pipeline,
)
fits = '{{$POSELIFTER_DATA:data}}/cmu_fits/full_train.npz'
train_dataloader = dict(dataset=dict(own_body=0.0, rotations=fits, pipeline=train_pipeline))
val_dataloader = dict(batch_size=1, dataset=dict(**tested, ann_file='cmu_val.npz'))
test_dataloader = dict(batch_size=1, dataset=dict(**tested, ann_file='cmu_test.npz'))
val_evaluator = dict(type='MeshMetric')
test_evaluator = val_evaluator
