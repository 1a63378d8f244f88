# Motion2vec, base, on MPI-INF-3DHP, true 2D, 81 frames, from scratch: the network and the training of MotionAGFormer-B.
_base_ = '../motionagformer/mpi_inf_3dhp_81.py'
