package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
)

// A manifestFile is the content of a manifest of this machine: the file itself, or a temporary file with the unpacked
// content.
type manifestFile struct {
	*os.File
	temporary bool // Close removes the file
}

// openManifest opens the unpacked content of a manifest. If the compressed data is invalid, the error is a
// *dataset.FormatError without the name of the file.
func openManifest(ctx context.Context, name string, limits compression.Limits) (*manifestFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	packed, err := packedKind(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if packed == "" {
		return &manifestFile{File: file}, nil
	}
	defer file.Close()
	to, err := os.CreateTemp("", "harvest-unpacked-*")
	if err != nil {
		return nil, bucket.MachineFault(os.TempDir(), err)
	}
	// Remove the open file now, if the system allows this. Then no file is left if this process is killed.
	unpacked := &manifestFile{File: to, temporary: os.Remove(to.Name()) != nil}
	if err := compression.Unpack(to, cancellable{ctx, file}, packed, limits); err != nil {
		err = dataset.StreamFault(bucket.MachineFault(os.TempDir(), err), packed)
		return nil, errors.Join(err, unpacked.Close())
	}
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, unpacked.Close())
	}
	return unpacked, nil
}

// Close closes the file, and removes a temporary file.
func (m *manifestFile) Close() error {
	err := m.File.Close()
	if m.temporary {
		err = errors.Join(err, os.Remove(m.Name()))
	}
	return err
}

// containerKind returns the kind of container that a manifest holds. It reports false for text. It unpacks only the
// beginning of a compressed manifest.
func containerKind(name string) (container.Kind, bool, error) {
	file, err := os.Open(name)
	if err != nil {
		return container.Kind{}, false, err
	}
	defer file.Close()
	packed, err := packedKind(file)
	if err != nil {
		return container.Kind{}, false, err
	}
	if packed == "" {
		return kinds.OfFile(file)
	}
	limits := compression.Limits{
		Gzip: container.HeadBytes, Zstd: container.HeadBytes, Bzip2: container.HeadBytes, XZ: container.HeadBytes,
	}
	var head bytes.Buffer
	err = compression.Unpack(&head, file, packed, limits)
	if _, more := errors.AsType[*compression.LimitError](err); err != nil && !more {
		return container.Kind{}, false, dataset.StreamFault(err, packed)
	}
	kind, contained := kinds.Of(head.Bytes())
	return kind, contained, nil
}

// packedKind returns the compression of a file; empty if the file is not compressed. It does not change the file's
// offset.
func packedKind(file *os.File) (compression.Kind, error) {
	head := make([]byte, compression.MagicBytes)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	return compression.Of(head[:n]), nil
}

// A cancellable is a reader that stops when a context is done.
type cancellable struct {
	ctx  context.Context
	from io.Reader
}

// Read fails with the cause once the context is done.
func (u cancellable) Read(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.from.Read(p)
}
