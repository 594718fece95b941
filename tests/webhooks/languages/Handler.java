// A webhook handler on the JDK's own server; its one mistake is named by the first argument.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Handler {
    static final ConcurrentHashMap<String, Integer> BOOKED = new ConcurrentHashMap<>();
    static final Pattern FINALIZED = Pattern.compile("\"event_type\"\\s*:\\s*\"invoice\\.update\\.finalized\"");
    static final Pattern INVOICE = Pattern.compile("\"id\"\\s*:\\s*\"(inv_golive_[^\"]+)\"");
    static String mistake = "";
    static byte[] key;

    public static void main(String[] arguments) throws Exception {
        mistake = arguments.length > 0 ? arguments[0] : "";
        String secret = System.getenv("ACME_WEBHOOK_SECRET");
        key = mistake.equals("url") ? Base64.getUrlDecoder().decode(secret) : Base64.getDecoder().decode(secret.substring(6));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 128);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.createContext("/flexprice", Handler::receive);
        server.createContext("/processed/", exchange -> {
            String invoice = exchange.getRequestURI().getPath().substring("/processed/".length());
            byte[] text = ("{\"times\":" + BOOKED.getOrDefault(invoice, 0) + "}").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, text.length);
            exchange.getResponseBody().write(text);
            exchange.close();
        });
        server.start();
        System.out.println(server.getAddress().getPort());
    }

    static void receive(HttpExchange exchange) throws IOException {
        int status;
        try {
            boolean mine = exchange.getRequestMethod().equals("POST") && exchange.getRequestURI().getPath().equals("/flexprice");
            status = mine ? handle(exchange) : 404;
        } catch (Exception error) {
            status = 500;
        }
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    static int handle(HttpExchange exchange) throws Exception {
        byte[] body;
        if (mistake.equals("lines")) {
            BufferedReader reader = new BufferedReader(new InputStreamReader(exchange.getRequestBody(), StandardCharsets.UTF_8));
            body = reader.lines().collect(Collectors.joining()).getBytes(StandardCharsets.UTF_8);
        } else {
            body = exchange.getRequestBody().readAllBytes();
        }
        if (mistake.equals("charset")) {
            body = new String(body).getBytes(); // the platform's character set, whatever it is
        }
        if (!signed(exchange, body)) {
            return 401;
        }
        String text = new String(body, StandardCharsets.UTF_8);
        if (!text.stripLeading().startsWith("{")) {
            return 400;
        }
        Matcher invoice = INVOICE.matcher(text);
        if (FINALIZED.matcher(text).find() && invoice.find()) {
            book(invoice.group(1));
        }
        return 204;
    }

    static boolean signed(HttpExchange exchange, byte[] body) throws Exception {
        String id = exchange.getRequestHeaders().getFirst("svix-id");
        String stamp = exchange.getRequestHeaders().getFirst("svix-timestamp");
        String sent = exchange.getRequestHeaders().getFirst("svix-signature");
        if (id == null || stamp == null || sent == null || !stamp.matches("\\d{1,12}")) {
            return false;
        }
        long age = Instant.now().getEpochSecond() - Long.parseLong(stamp);
        if (mistake.equals("int")) {
            age = (System.currentTimeMillis() - Integer.parseInt(stamp) * 1000) / 1000; // beyond 31 bits
        }
        if ((mistake.equals("ahead") ? age : Math.abs(age)) > 300) {
            return false;
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update((id + "." + stamp + ".").getBytes(StandardCharsets.UTF_8));
        String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
        if (mistake.equals("equals")) {
            return expected.equals(sent);
        }
        if (mistake.equals("hash")) {
            return Arrays.stream(sent.split(" ")).anyMatch(part -> part.length() == expected.length() && part.startsWith(expected.substring(0, 9)));
        }
        return Arrays.stream(sent.split(" ")).anyMatch(part -> MessageDigest.isEqual(part.getBytes(), expected.getBytes()));
    }

    static void book(String invoice) throws InterruptedException {
        if (mistake.equals("race")) {
            if (!BOOKED.containsKey(invoice)) {
                Thread.sleep(150);
                BOOKED.merge(invoice, 1, Integer::sum);
            }
        } else {
            BOOKED.putIfAbsent(invoice, 1);
        }
    }
}
