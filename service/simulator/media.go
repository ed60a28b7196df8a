package simulator

import (
	"bytes"
	"crypto/rand"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

const (
	pathMediaUpload = "/cgi-bin/media/upload"

	maxMediaBody = 11 << 20 // of an upload that is kept: the largest medium and its frame
	mediaKept    = 16       // uploads that media/get still finds
)

// mediaLimits are the sizes of temporary media, in bytes ("Adding temporary
// assets": image 10 MB, voice 2 MB, video 10 MB, thumb 64 KB).
var mediaLimits = map[string]int{"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}

// medium is an uploaded file.
type medium struct {
	id          string
	account     *account
	kind        string
	name        string
	contentType string
	content     []byte
}

// file is a result that is no JSON.
type file struct {
	name        string
	contentType string
	content     []byte
}

type uploadedMedia struct {
	Type      string `json:"type"`
	MediaID   string `json:"media_id,omitempty"`
	ThumbID   string `json:"thumb_media_id,omitempty"`
	CreatedAt int64  `json:"created_at"`
}

// mediaUpload is POST media/upload: a multipart form with the file as "media".
func (s *Simulator) mediaUpload(c *call) (any, error) {
	kind := c.query.Get("type")
	limit, known := mediaLimits[kind]
	switch {
	case !known:
		return nil, fail(40004)
	case c.length > maxMediaBody:
		return nil, fail(45001)
	}
	m, err := readMedium(c)
	switch {
	case err != nil:
		return nil, fail(41005)
	case len(m.content) == 0:
		return nil, fail(44001)
	case len(m.content) > limit:
		return nil, fail(45001)
	}
	m.id, m.account, m.kind = rand.Text()+rand.Text(), c.account, kind
	if len(s.media) >= mediaKept {
		s.media = s.media[1:]
	}
	s.media = append(s.media, m)
	done := uploadedMedia{Type: kind, MediaID: m.id, CreatedAt: c.now.Unix()}
	if kind == "thumb" {
		done.MediaID, done.ThumbID = "", m.id
	}
	return done, nil
}

// readMedium takes the file out of the form.
func readMedium(c *call) (medium, error) {
	_, params, err := mime.ParseMediaType(c.contentType)
	if err != nil {
		return medium{}, err
	}
	form := multipart.NewReader(bytes.NewReader(c.head), params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return medium{}, err
		}
		if part.FormName() == "media" {
			content, err := io.ReadAll(part)
			return medium{name: part.FileName(), contentType: part.Header.Get("Content-Type"), content: content}, err
		}
	}
}

// mediaGet is GET media/get: the file itself, and for a video where it is.
func (s *Simulator) mediaGet(c *call) (any, error) {
	id := c.query.Get("media_id")
	for _, m := range s.media {
		if m.id != id || m.account != c.account {
			continue
		}
		if m.kind == "video" {
			return struct {
				URL string `json:"video_url"`
			}{"http://vweixinp.tc.qq.com/" + m.id + ".mp4"}, nil
		}
		return file{m.name, m.contentType, m.content}, nil
	}
	return nil, fail(40007)
}

// reply makes the file an answer.
func (f file) reply() reply {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r == 0x7f {
			return '_'
		}
		return r
	}, f.name)
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	return reply{
		status: http.StatusOK, contentType: f.contentType, body: f.content,
		disposition: `attachment; filename="` + name + `"`,
	}
}
