# EFT's bodies of people in COCO, for training; data/mesh/eft.npz is made by tools/dataset_converters/eft.py.
_base_ = './mesh_coco.py'

train_dataloader = dict(dataset=dict(ann_file='eft.npz'))
