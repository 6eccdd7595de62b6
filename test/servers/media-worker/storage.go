package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

type target interface {
	GetS3() *livekit.S3Upload
	GetGcp() *livekit.GCPUpload
	GetAzure() *livekit.AzureBlobUpload
	GetAliOSS() *livekit.AliOSSUpload
}

// place is one storage: an order's, or the service's.
type place struct {
	s3        *livekit.S3Upload
	other     string // address of a storage that no test can run: its objects go to a folder
	prefix    string
	presigned bool
}

func (s *storage) place() (place, bool) {
	if s == nil || s.S3 == nil {
		return place{}, false
	}
	c := s.S3
	up := &livekit.S3Upload{Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, AccessKey: c.AccessKey, Secret: c.Secret, ForcePathStyle: true}
	return place{s3: up, prefix: s.Prefix, presigned: s.GeneratePresignedURL}, true
}

// placeOf is where an order's output goes; false: a file on this machine. The service's prefix comes before keys of orders with a storage too.
func (c config) placeOf(t target) (place, bool) {
	p := place{}
	if c.Storage != nil {
		p.prefix, p.presigned = c.Storage.Prefix, c.Storage.GeneratePresignedURL
	}
	if s := t.GetS3(); s != nil {
		p.s3 = s
		return p, true
	}
	if g := t.GetGcp(); g != nil {
		p.other = "https://" + g.Bucket + ".storage.googleapis.com/"
	} else if z := t.GetAzure(); z != nil {
		p.other = "https://" + z.AccountName + ".blob.core.windows.net/" + z.ContainerName + "/"
	} else if o := t.GetAliOSS(); o != nil {
		p.other = "https://" + o.Bucket + "." + o.Endpoint + "/"
	}
	if p.other != "" {
		return p, true
	}
	return c.Storage.place()
}

// uploadError is said as the real service says it.
type uploadError struct{ text string }

func (e *uploadError) Error() string { return e.text }

func refused(status int, code, request string) error {
	return &uploadError{fmt.Sprintf("S3 upload failed: err: operation error S3: PutObject, https response error StatusCode: %d, RequestID: %s, HostID: host-default, api error %s: UnknownError, status code: %d", status, request, code, status)}
}

// put stores one file where the order says, or in the backup storage when that refuses. Returns its address as a result names it.
func (h *handler) put(t target, from, key, kind string) (string, error) {
	p, remote := h.config.placeOf(t)
	if !remote {
		if err := copyFile(from, key); err != nil {
			return "", err
		}
		return key, nil
	}
	backup, hasBackup := h.config.Backup.place()
	if h.info.BackupStorageUsed {
		return h.putTo(backup, from, key, kind)
	}
	location, err := h.putTo(p, from, key, kind)
	switch h.fault.Kind {
	case "upload-refused":
		err = refused(403, "SignatureDoesNotMatch", "tx0-default")
	case "bucket-missing":
		err = refused(404, "NoSuchBucket", "tx0-default")
	}
	if err == nil || !hasBackup {
		return location, err
	}
	location, second := h.putTo(backup, from, key, kind)
	if second != nil {
		return "", &uploadError{fmt.Sprintf("primary: %s\nbackup: %s", err, second)}
	}
	h.info.BackupStorageUsed = true
	return location, nil
}

func (h *handler) putTo(p place, from, key, kind string) (string, error) {
	if p.prefix != "" {
		key = path.Join(p.prefix, key)
	}
	if p.other != "" {
		where, _ := url.Parse(p.other)
		return p.other + key, copyFile(from, filepath.Join(h.config.Dir, "elsewhere", where.Host, where.Path, key))
	}
	host := strings.TrimPrefix(strings.TrimPrefix(p.s3.Endpoint, "https://"), "http://")
	if host == "" {
		host = "s3.amazonaws.com"
	}
	host = strings.TrimSuffix(host, "/")
	lookup := minio.BucketLookupAuto
	if p.s3.ForcePathStyle {
		lookup = minio.BucketLookupPath
	}
	secure := !strings.HasPrefix(p.s3.Endpoint, "http://")
	c, err := minio.New(host, &minio.Options{Creds: credentials.NewStaticV4(p.s3.AccessKey, p.s3.Secret, p.s3.SessionToken), Secure: secure, Region: p.s3.Region, BucketLookup: lookup, MaxRetries: 3})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = c.FPutObject(ctx, p.s3.Bucket, key, from, minio.PutObjectOptions{ContentType: kind, SendContentMd5: true, UserMetadata: p.s3.Metadata})
	if err != nil {
		var answer minio.ErrorResponse
		if errors.As(err, &answer) && answer.StatusCode != 0 {
			return "", refused(answer.StatusCode, answer.Code, answer.RequestID)
		}
		return "", &uploadError{"S3 upload failed: err: operation error S3: PutObject, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , HostID: , request send failed, " + err.Error()}
	}
	if p.presigned {
		link, err := c.PresignedGetObject(ctx, p.s3.Bucket, key, 7*24*time.Hour, nil)
		if err != nil {
			return "", err
		}
		return link.String(), nil
	}
	// the real service says https whatever the endpoint's scheme
	if p.s3.ForcePathStyle {
		return fmt.Sprintf("https://%s/%s/%s", host, p.s3.Bucket, strings.TrimPrefix(key, "/")), nil
	}
	return fmt.Sprintf("https://%s.%s/%s", p.s3.Bucket, host, strings.TrimPrefix(key, "/")), nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, body, 0o644)
}
