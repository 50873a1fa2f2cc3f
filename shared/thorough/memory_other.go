//go:build !linux

package thorough

func foldersInMemory() {}
