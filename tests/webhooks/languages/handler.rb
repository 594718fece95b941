# A webhook handler on WEBrick, with the names of headers that Rack has; its one mistake is named by the first argument.
require "base64"
require "json"
require "openssl"
require "webrick"

MISTAKE = ARGV[0].to_s
SECRET = ENV.fetch("ACME_WEBHOOK_SECRET")
KEY = MISTAKE == "lenient" ? Base64.decode64(SECRET) : Base64.strict_decode64(SECRET.delete_prefix("whsec_"))
BOOKED = Hash.new(0)
LOCK = Mutex.new

def signed?(env, body)
  names = MISTAKE == "rack" ? %w[svix-id svix-timestamp svix-signature] : %w[HTTP_SVIX_ID HTTP_SVIX_TIMESTAMP HTTP_SVIX_SIGNATURE]
  id, stamp, sent = names.map { |name| env[name].to_s }
  return false if !stamp.match?(/\A\d{1,12}\z/) || (Time.now.to_i - stamp.to_i).abs > 300

  content = { "encode" => -> { body.encode("UTF-8") }, "twice" => -> { "" } }.fetch(MISTAKE, -> { body }).call
  digest = OpenSSL::HMAC.digest("SHA256", KEY, "#{id}.#{stamp}.".b + content.b)
  expected = "v1," + (MISTAKE == "encode64" ? Base64.encode64(digest) : Base64.strict_encode64(digest))
  sent.split(" ").any? do |part|
    next OpenSSL.fixed_length_secure_compare(part, expected) if MISTAKE == "lengths"

    OpenSSL.secure_compare(part, expected)
  end
end

def book(invoice)
  if MISTAKE == "race"
    return if BOOKED.key?(invoice)

    sleep 0.15
    BOOKED[invoice] += 1
  else
    LOCK.synchronize { BOOKED[invoice] = 1 }
  end
end

class Receive < WEBrick::HTTPServlet::AbstractServlet
  def do_POST(request, response) # rubocop:disable Naming/MethodName
    response.status = request.path == "/flexprice" ? handle(request) : 404
    response.body = ""
  rescue StandardError
    response.status = 500
  end

  def handle(request)
    body = request.body.to_s
    return 401 unless signed?(request.meta_vars, body)

    message = JSON.parse(body)
    return 400 unless message.is_a?(Hash)

    book(message.dig("invoice", "id")) if message["event_type"] == "invoice.update.finalized"
    204
  rescue JSON::ParserError
    400
  end
end

class Processed < WEBrick::HTTPServlet::AbstractServlet
  def do_GET(request, response) # rubocop:disable Naming/MethodName
    response["Content-Type"] = "application/json"
    response.body = JSON.generate(times: BOOKED[request.path.split("/").last])
  end
end

quiet = WEBrick::Log.new(IO::NULL)
server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: 0, Logger: quiet, AccessLog: [])
server.mount("/flexprice", Receive)
server.mount("/processed", Processed)
puts server.listeners.first.addr[1]
$stdout.flush
server.start
