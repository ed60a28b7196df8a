package simulator_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"strings"
	"testing"
)

// upload sends a file as media/upload wants it.
func (w world) upload(token, kind, field string, content []byte) answer {
	w.t.Helper()
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile(field, "a \"picture\".jpg")
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = part.Write(content)
	_ = writer.Close()
	return w.send("POST", "/cgi-bin/media/upload?type="+kind+"&access_token="+token, writer.FormDataContentType(), form.String())
}

func TestMediaComeBack(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	content := bytes.Repeat([]byte{0xff, 0xd8, 0}, 1<<20) // more than is kept of other bodies
	var done struct {
		Type    string `json:"type"`
		MediaID string `json:"media_id"`
		At      int64  `json:"created_at"`
	}
	raw := w.want("upload", w.upload(token, "image", "media", content), 0).raw
	if err := json.Unmarshal([]byte(raw), &done); err != nil || done.Type != "image" || done.MediaID == "" || done.At == 0 {
		t.Fatalf("%s: %v", raw, err)
	}
	got := w.get("/cgi-bin/media/get?media_id=" + done.MediaID + "&access_token=" + token)
	if got.raw != string(content) || got.header.Get("Content-Type") != "application/octet-stream" ||
		got.header.Get("Content-Disposition") != `attachment; filename="a _picture_.jpg"` {
		t.Errorf("%d bytes, %v", len(got.raw), got.header)
	}
	w.want("another id", w.get("/cgi-bin/media/get?media_id=x&access_token="+token), 40007)
	w.want("a dead token", w.get("/cgi-bin/media/get?media_id="+done.MediaID+"&access_token=x"), 40001)
}

func TestMediaOfOtherKinds(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	var done struct {
		MediaID string `json:"media_id"`
		Thumb   string `json:"thumb_media_id"`
	}
	_ = json.Unmarshal([]byte(w.want("a thumb", w.upload(token, "thumb", "media", []byte("x")), 0).raw), &done)
	if done.Thumb == "" || done.MediaID != "" {
		t.Errorf("a thumb: %+v", done)
	}
	_ = json.Unmarshal([]byte(w.want("a video", w.upload(token, "video", "media", []byte("x")), 0).raw), &done)
	got := w.get("/cgi-bin/media/get?media_id=" + done.MediaID + "&access_token=" + token)
	if !strings.Contains(got.raw, `"video_url":"http`) {
		t.Errorf("a video: %s", got.raw)
	}
	for range 16 { // the oldest make room
		w.want("a voice", w.upload(token, "voice", "media", []byte("x")), 0)
	}
	w.want("a video of long ago", w.get("/cgi-bin/media/get?media_id="+done.MediaID+"&access_token="+token), 40007)
}

func TestMediaThatAreRefused(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	w.want("another type", w.upload(token, "gif", "media", []byte("x")), 40004)
	w.want("another field", w.upload(token, "image", "file", []byte("x")), 41005)
	w.want("no form", w.post("/cgi-bin/media/upload?type=image&access_token="+token, "x"), 41005)
	w.want("no bytes", w.upload(token, "image", "media", nil), 44001)
	w.want("too large", w.upload(token, "thumb", "media", make([]byte, 64<<10+1)), 45001)
	w.want("much too large", w.upload(token, "image", "media", make([]byte, 12<<20)), 45001)
	w.want("a GET", w.get("/cgi-bin/media/upload?type=image&access_token="+token), 43002)
}

func TestMessagesAndDrafts(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	for body, want := range map[string]int{
		`{"touser":"o","msgtype":"text","text":{"content":"x"}}`: 0,
		`{"touser":"o","msgtype":"image"}`:                       0,
		`{"msgtype":"text","text":{"content":"x"}}`:              40003,
		`{"touser":"o","msgtype":"x"}`:                           40008,
		`{"touser":"o","msgtype":"text"}`:                        44004,
		`nonsense`:                                               47001,
		``:                                                       44002,
	} {
		w.want("message "+body, w.post("/cgi-bin/message/custom/send?access_token="+token, body), want)
	}
	for body, want := range map[string]int{
		`{"articles":[{"title":"t","content":"c"}]}`: 0,
		`{"articles":[]}`:              44003,
		`{"articles":[{"title":"t"}]}`: 44004,
	} {
		got := w.want("draft "+body, w.post("/cgi-bin/draft/add?access_token="+token, body), want)
		if want == 0 && !strings.Contains(got.raw, `"media_id":"`) {
			t.Errorf("draft: %s", got.raw)
		}
	}
}
