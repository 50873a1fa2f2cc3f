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
		Shape:  shape,
		Reads:  reads,
		// A page, and the values that neighbours have not read yet.
		HeldBytes: maxPageBytes + heldBytes,
		Is: func(head []byte) bool {
			return bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte(encryptedMagic))
		},
		Reader: reader{},
		Writer: writer{},
	}
}

const (
	shape = `id: text, image: {bytes: binary, path: text}, conversations: [{from: text, value: text}], data_source: text
images: [{bytes: binary, path: text}], texts: [{user: text, assistant: text, source: text}]
images: [{bytes: binary, path: text}], messages: [{role: text, content: [{type: text, index: int, text: text}]}]`
	reads = "each row is a sample; its columns are the fields of a record in any of the forms, as Hugging Face's " +
		"datasets library writes them; binary columns, alone or in structs {bytes, path}, are images; where bytes are " +
		"null, the path is the name of a file; without an id, it is the name of the file and the row; texts are read " +
		"without the images; a subset has the columns, the key-value metadata, such as the features of datasets, and " +
		"the compression of its source; files in LZ4, encrypted ones, and pages of more than 64 MiB are refused, with " +
		"the command that writes the file again"
)
