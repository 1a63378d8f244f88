# COCO's people, one picture each, trained on as posetrack.py says. The data: docs/datasets/coco.md.
_base_ = './posetrack.py'

data_root = '{{$POSELIFTER_DATA:data}}/coco'
train_dataloader = dict(
    dataset=dict(type='COCOKeypointsDataset', data_root=data_root, min_keypoints=8, window=dict(length=1))
)
