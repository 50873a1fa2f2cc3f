package hfparquet

import (
	"bytes"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
)

// Kind is the kind of Parquet files.
func Kind() container.Kind {
	return container.Kind{
		Format: dataset.Parquet,
		Name:   "a Parquet file",
		Is: func(head []byte) bool {
			return bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte(encryptedMagic))
		},
		Reader: reader{},
		Writer: writer{},
	}
}
