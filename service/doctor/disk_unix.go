//go:build linux || darwin

package doctor

import "syscall"

// freeBytes is the room that a plain user has on the disk of a folder.
func freeBytes(folder string) (bytes uint64, known bool) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, false
	}
	return disk.Bavail * uint64(disk.Bsize), true //nolint:gosec // the size of a block is above 0
}
