package dataset

import "fmt"

// Limits are the limits for records. The tags set the defaults.
type Limits struct {
	// MaxRecordBytes is the size limit of a record in bytes, 1 or more.
	MaxRecordBytes int `json:"max_record_bytes" env:"MAX_RECORD_BYTES, default=33554432" meaning:"longest record"`
}

// Validate returns an error, with the name of the variable, if the limit is below 1.
func (l Limits) Validate() error {
	if l.MaxRecordBytes < 1 {
		return fmt.Errorf("MAX_RECORD_BYTES: %d; give 1 or more", l.MaxRecordBytes)
	}
	return nil
}
