# MotionBERT for meshes: 88.1 mm MPVE on 3DPW pretrained (paper).
_base_ = './motionbert.py'
model = dict(heads=dict(_delete_=True, mesh=dict(type='MeshHead', hidden_dims=1024, dropout=0.1)))
