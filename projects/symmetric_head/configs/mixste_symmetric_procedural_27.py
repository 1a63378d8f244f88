# The small MixSTE with the plugin's head; run with PYTHONPATH=projects/symmetric_head, or install the plugin.
_base_ = ['../../../configs/mixste/procedural_27.py']
custom_imports = dict(imports=['symmetric_head'], allow_failed_imports=False)

model = dict(heads=dict(pose=dict(type='SymmetricPoseHead', symmetry_weight=0.1)))
