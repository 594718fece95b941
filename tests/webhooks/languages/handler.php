<?php
// A webhook handler for PHP's own server; its one mistake is named by the variable MISTAKE, its books are files.
$mistake = getenv("MISTAKE") ?: "";
$books = getenv("BOOKS");
$path = parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH);

if (preg_match('#^/processed/([\w-]+)$#', $path, $found)) {
    header("Content-Type: application/json");
    echo json_encode(["times" => file_exists("$books/$found[1]") ? filesize("$books/$found[1]") : 0]);
    return;
}
if ($path !== "/flexprice" || $_SERVER["REQUEST_METHOD"] !== "POST") {
    http_response_code(404);
    return;
}
$body = file_get_contents("php://input");
if (!is_signed($mistake, $body)) {
    http_response_code(401);
    return;
}
$message = json_decode($body, true);
if (!is_array($message)) {
    http_response_code(400);
    return;
}
if (($message["event_type"] ?? "") === "invoice.update.finalized" && isset($message["invoice"]["id"])) {
    book($mistake, "$books/" . basename($message["invoice"]["id"]));
}
http_response_code(204);

function is_signed(string $mistake, string $body): bool
{
    $sent = $_SERVER["HTTP_SVIX_SIGNATURE"] ?? "";
    if ($mistake === "spelling") {
        $sent = getallheaders()["Svix-Signature"] ?? "";
    }
    if ($mistake === "empty" && empty($sent)) {
        return true;
    }
    $id = $_SERVER["HTTP_SVIX_ID"] ?? "";
    $stamp = $_SERVER["HTTP_SVIX_TIMESTAMP"] ?? "";
    if (!ctype_digit($stamp) || abs(time() - (int) $stamp) > 300) {
        return false;
    }
    $secret = getenv("ACME_WEBHOOK_SECRET");
    $key = match ($mistake) {
        "strict" => (string) base64_decode($secret, true), // false, which is ""
        "lenient" => base64_decode($secret),
        default => base64_decode(substr($secret, 6)),
    };
    $content = match ($mistake) {
        "encode" => json_encode(json_decode($body)),
        "post" => json_encode($_POST),
        "trim" => trim($body),
        default => $body,
    };
    $expected = base64_encode(hash_hmac("sha256", "$id.$stamp.$content", $key, $mistake !== "hex"));
    foreach (explode(" ", $sent) as $part) {
        if ($mistake === "position" ? strpos("v1,$expected", $part) === 0 : hash_equals("v1,$expected", $part)) {
            return true;
        }
    }
    return false;
}

function book(string $mistake, string $file): void
{
    if ($mistake === "race") {
        if (!file_exists($file)) {
            usleep(150000);
            file_put_contents($file, "x", FILE_APPEND);
        }
        return;
    }
    $new = @fopen($file, "x"); // one of two only
    if ($new) {
        fwrite($new, "x");
    }
}
