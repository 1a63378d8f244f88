# 3DPW with bodies of SMPL, MotionBERT's file. Of your own: ann_file='3dpw.npz' (docs/datasets/mesh.md).
_base_ = './mesh_h36m.py'

codec = dict(fps=30)
source = dict(ann_file='mesh_det_pw3d.pkl', source='pw3d')
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = val_dataloader
