package file

import "golang.org/x/sys/unix"

// diskOf is how many bytes are free where dir lies, and the name of the network
// file system that it lies on.
func diskOf(dir string) (free int64, network string, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, "", err
	}
	switch st.Type {
	case unix.NFS_SUPER_MAGIC:
		network = "nfs"
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		network = "smb"
	case unix.CEPH_SUPER_MAGIC:
		network = "ceph"
	case unix.FUSE_SUPER_MAGIC:
		network = "fuse"
	}
	return int64(st.Bavail) * st.Bsize, network, nil // no disk has 2^63 bytes
}
